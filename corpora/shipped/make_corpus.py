"""Makes the shipped corpus: Harvard sentences read by free speech synthesisers, 16 kHz FLAC, and manifest.csv.

    python corpora/shipped/make_corpus.py             make it again in this folder
    python corpora/shipped/make_corpus.py --check     make it elsewhere and compare it with what is here, byte for byte

Needs the programs flite, festival's text2wave and espeak-ng and festival's voice ked_diphone
(Debian: apt-get install flite festival festvox-kdlpc16k espeak-ng), and the project's environment. Nothing in it is
random, so that the same versions of the synthesisers give the same bytes. Levels are left as the synthesisers give
them: normalising is the loader's work.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, from any folder

from corpora.synthesisers import SAMPLE_RATE, Voice, check_installed, speech, write_manifest
from streamflow.errors import StreamflowError

HERE = Path(__file__).resolve().parent

VOICES = (
    Voice("flite_awb", "flite", "awb"),  # man, Scottish English
    Voice("flite_rms", "flite", "rms"),  # man, American English
    Voice("flite_slt", "flite", "slt"),  # woman, American English
    Voice("flite_kal16", "flite", "kal16"),  # man, American English, diphones
    Voice("festival_ked_diphone", "text2wave", "ked_diphone"),  # man, American English, diphones
    Voice("espeak_en-gb", "espeak-ng", "en-gb"),  # formant synthesis, British English
    Voice("espeak_en-us_f4", "espeak-ng", "en-us+f4"),  # formant synthesis, American English, a woman's formants
)

# Lists 1 to 4 of the Harvard sentences: IEEE Recommended Practice for Speech Quality Measurements,
# IEEE Transactions on Audio and Electroacoustics 17 (3), 1969, pp. 225-246. One string is one utterance.
TEXTS = {
    "flite_awb": (
        "The birch canoe slid on the smooth planks.",
        "Glue the sheet to the dark blue background.",
        "It's easy to tell the depth of a well. These days a chicken leg is a rare dish.",
        "Rice is often served in round bowls.",
    ),
    "flite_rms": (
        "The juice of lemons makes fine punch.",
        "The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage.",
        "Four hours of steady work faced us.",
        "A large size in stockings is hard to sell.",
    ),
    "flite_slt": (
        "The wrist was badly strained and hung limp.",
        "A rod is used to catch pink salmon.",
        "The source of the huge river is the clear spring.",
        "Kick the ball straight and follow through. Help the woman get back to her feet.",
    ),
    "flite_kal16": (
        "A pot of tea helps to pass the evening.",
        "Smoky fires lack flame and heat. The soft cushion broke the man's fall.",
        "The salt breeze came across from the sea.",
    ),
    "festival_ked_diphone": (
        "The girl at the booth sold fifty bonds.",
        "The small pup gnawed a hole in the sock.",
        "The fish twisted and turned on the bent hook. Press the pants and sew a button on the vest.",
    ),
    "espeak_en-gb": (
        "The swan dive was far short of perfect.",
        "The beauty of the view stunned the young boy.",
        "Two blue fish swam in the tank. Her purse was full of useless trash.",
    ),
    "espeak_en-us_f4": (
        "The colt reared and threw the tall rider.",
        "It snowed, rained, and hailed the same morning.",
        "Read verse out loud for pleasure. Hoist the load to your left shoulder.",
    ),
}


def make_corpus(folder: Path) -> None:
    """Writes every utterance and manifest.csv to `folder`."""
    rows = []
    for voice in VOICES:
        for number, text in enumerate(TEXTS[voice.name], start=1):
            samples = np.clip(speech(voice, text), -1, 1)
            path = f"{voice.name}_{number}.flac"
            soundfile.write(folder / path, samples, SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
            duration = f"{len(samples) / SAMPLE_RATE:.3f}"
            rows.append((path.removesuffix(".flac"), voice.name, path, duration, text, "shipped", "demo"))
    write_manifest(folder / "manifest.csv", rows)


def differences(made: Path, shipped: Path) -> list[str]:
    """Names of the audio files and the manifest that are not the same bytes in both folders."""
    names = {file.name for folder in (made, shipped) for file in folder.iterdir() if file.suffix in (".flac", ".csv")}
    _, different, absent = filecmp.cmpfiles(made, shipped, sorted(names), shallow=False)
    return different + absent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="make it in a temporary folder and compare the bytes")
    check = parser.parse_args().check
    try:
        check_installed(VOICES)
        if not check:
            make_corpus(HERE)
            return
        with tempfile.TemporaryDirectory() as folder:
            make_corpus(Path(folder))
            different = differences(Path(folder), HERE)
    except StreamflowError as error:
        sys.exit(str(error))
    if different:
        sys.exit(f"not the same bytes: {', '.join(different)}; other versions of the synthesisers give other samples")
    print("the same bytes")


if __name__ == "__main__":
    main()

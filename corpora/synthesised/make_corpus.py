"""Makes the synthesised training speech: free voices read clauses of other recordings' texts, 16 kHz FLAC and manifest.csv.

    python corpora/synthesised/make_corpus.py --texts ../shared/speech/train/manifest.csv --out ../synthesised-speech

Every choice is seeded, so that the same texts and the same versions of the synthesisers give the same bytes. Needs
Debian's packages flite, festival, festvox-kallpc16k, festvox-kdlpc16k, festvox-us-slt-hts and espeak-ng, and the
project's environment. About 15 minutes of speech, 18 MB.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, from any folder

from corpora.synthesised.clauses import shuffled_clauses
from corpora.synthesisers import SAMPLE_RATE, Manner, Voice, check_installed, speech, write_manifest
from harness.corpus import load_corpus
from streamflow.errors import StreamflowError

SEED = 20261121
SHORTEST, LONGEST = 2.0, 8.0  # seconds; an utterance outside is left out
LOUDEST = 0.95  # peak, of full scale

# The voices, and the seconds of speech that each reads: more from those that sound more like people.
VOICES = {
    Voice("flite_awb", "flite", "awb"): 120,
    Voice("flite_kal16", "flite", "kal16"): 85,
    Voice("flite_rms", "flite", "rms"): 120,
    Voice("flite_slt", "flite", "slt"): 120,
    Voice("festival_kal_diphone", "text2wave", "kal_diphone"): 75,
    Voice("festival_ked_diphone", "text2wave", "ked_diphone"): 75,
    Voice("festival_slt_hts", "text2wave", "cmu_us_slt_arctic_hts"): 90,
    Voice("espeak_en-us", "espeak-ng", "en-us"): 40,
    Voice("espeak_en-gb", "espeak-ng", "en-gb"): 40,
    Voice("espeak_en-gb-scotland", "espeak-ng", "en-gb-scotland"): 30,
    Voice("espeak_en-gb-x-rp_f2", "espeak-ng", "en-gb-x-rp+f2"): 30,
    Voice("espeak_en-us_f4", "espeak-ng", "en-us+f4"): 30,
    Voice("espeak_en-us_m3", "espeak-ng", "en-us+m3"): 30,
}


class TextsError(StreamflowError):
    """Texts that do not suffice."""


def manner_of(voice: Voice, text: str) -> Manner:
    """The pace and pitch that `voice` reads `text` with: random, but always the same for the same voice and text."""
    choice = random.Random(voice.voice + text)
    if voice.program == "flite":
        return Manner(stretch=choice.uniform(0.92, 1.12))
    if voice.program == "text2wave":
        return Manner(stretch=choice.uniform(0.95, 1.12))
    return Manner(words_per_minute=choice.randint(140, 180), pitch=choice.randint(35, 65))


def utterances(voice: Voice, texts: Iterator[str], seconds: float) -> Iterator[tuple[str, np.ndarray]]:
    """Texts, and samples float32 [n] at 16 kHz of `voice` reading them, until there are `seconds` of speech."""
    total = 0.0
    while total < seconds:
        text = next(texts, None)
        if text is None:
            raise TextsError(
                f"the texts end after {total:.0f} of {voice.name}'s {seconds:.0f} s; give a longer manifest"
            )
        samples = speech(voice, text, manner_of(voice, text))
        duration = len(samples) / SAMPLE_RATE
        if SHORTEST <= duration <= LONGEST:
            total += duration
            yield text, samples * min(1, LOUDEST / np.abs(samples).max())


def make_corpus(texts: Iterator[str], folder: Path) -> None:
    """Writes every utterance to `folder`/SPEAKER/UTTERANCE.flac, and manifest.csv last; prints a line for each voice."""
    rows = []
    for position, (voice, seconds) in enumerate(VOICES.items(), start=1):
        (folder / voice.name).mkdir(parents=True, exist_ok=True)
        number = 0
        for number, (text, samples) in enumerate(utterances(voice, texts, seconds), start=1):
            utterance_id = f"{voice.name}_{number:03d}"
            path = f"{voice.name}/{utterance_id}.flac"
            soundfile.write(folder / path, samples, SAMPLE_RATE, subtype="PCM_16")
            duration = f"{len(samples) / SAMPLE_RATE:.3f}"
            rows.append((utterance_id, voice.name, path, duration, text, "synthesised", "train"))
        print(f"[{position}/{len(VOICES)}] {voice.name}: {number} utterances", flush=True)
    # the line end of the manifest that the weights were trained with, so that its bytes can be compared
    write_manifest(folder / "manifest.csv", rows, line_end="\r\n")
    minutes = sum(float(row[3]) for row in rows) / 60
    print(f"{len(rows)} utterances, {minutes:.1f} minutes: {folder / 'manifest.csv'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, metavar="MANIFEST.csv", help="its texts are read")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the speech is written")
    options = parser.parse_args()
    try:
        texts = [utterance.text for utterance in load_corpus(options.texts).utterances]
        check_installed(VOICES)
        make_corpus(iter(shuffled_clauses(texts, random.Random(SEED))), options.out)
    except (StreamflowError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

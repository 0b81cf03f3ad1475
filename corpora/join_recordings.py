"""Joins recordings of one speaker into long utterances, to see what a decoder's chunks cost late in a stream.

python corpora/join_recordings.py --manifest speech/manifest.csv --seconds 60 --count 1 --out long
streamflow compare --corpus long/manifest.csv --systems streamflow-sr,cosyvoice --metrics none --out runs/long
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np

from harness.corpus import Utterance, load_corpus
from streamflow.audio import SAMPLE_RATE, load_audio, write_audio


def join(utterances: list[Utterance], seconds: float) -> np.ndarray:
    """float32 ``[seconds * 16000]``: the recordings one after the other, again from the first if they do not suffice."""
    pieces, length = [], 0
    for utterance in itertools.cycle(utterances):
        pieces.append(load_audio(utterance.path))
        length += len(pieces[-1])
        if length >= seconds * SAMPLE_RATE:
            return np.concatenate(pieces)[: int(seconds * SAMPLE_RATE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", required=True, help="CSV with utterance_id, speaker_id, path")
    parser.add_argument("--split", help="only this split")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each utterance")
    parser.add_argument("--count", type=int, default=1, help="how many, each of another speaker, those with most first")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    wanted = parser.parse_args()
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in load_corpus(wanted.manifest, split=wanted.split).utterances:
        by_speaker.setdefault(utterance.speaker_id, []).append(utterance)
    rows = []
    for speaker, spoken in sorted(by_speaker.items(), key=lambda item: -len(item[1]))[: wanted.count]:
        name = f"{speaker}_{wanted.seconds:.0f}s"
        write_audio(wanted.out / f"{name}.flac", join(spoken, wanted.seconds))
        rows.append((name, speaker, f"{name}.flac"))
    with (wanted.out / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("utterance_id", "speaker_id", "path"), *rows])


if __name__ == "__main__":
    main()

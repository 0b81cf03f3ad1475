"""LibriTTS and LibriTTS-R: SPLIT/SPEAKER/CHAPTER/NAME.wav beside NAME.normalized.txt (or NAME.original.txt).

The splits are LibriSpeech's, so the speakers of training, development and test are disjoint (Zen et al. 2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .item import Item, Left, recordings, transcript
from .libri import chapters


def read_libritts(folder: Path) -> Iterator[Item | Left]:
    """Recordings under ``folder``, which holds the splits or is the folder above them."""
    for split, chapter in chapters(folder):
        for path in recordings(chapter):
            text = transcript(path.with_suffix(".normalized.txt")) or transcript(path.with_suffix(".original.txt"))
            if text is None:
                yield Left(path, "no transcript")
                continue
            yield Item(path.stem, f"libritts-{chapter.parent.name}", path, text, "libritts", split)

"""LibriSpeech: SPLIT/SPEAKER/CHAPTER/SPEAKER-CHAPTER-N.flac, a chapter's texts in SPEAKER-CHAPTER.trans.txt.

The speakers of its training, development and test splits are disjoint (Panayotov et al., ICASSP 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .item import Item, Left, lines, recordings
from .libri import chapters


def read_librispeech(folder: Path) -> Iterator[Item | Left]:
    """Recordings under ``folder``, which holds the splits or is the folder above them."""
    for split, chapter in chapters(folder):
        speaker = chapter.parent.name
        texts = _texts(chapter / f"{speaker}-{chapter.name}.trans.txt")
        for path in recordings(chapter):
            if path.stem not in texts:
                yield Left(path, "no transcript")
                continue
            yield Item(path.stem, f"librispeech-{speaker}", path, texts[path.stem], "librispeech", split)


def _texts(path: Path) -> dict[str, str]:
    try:
        words = [line.split() for line in lines(path)]
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: " ".join(text) for name, *text in filter(None, words) if text}

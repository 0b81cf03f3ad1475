"""LibriSpeech: SPLIT/SPEAKER/CHAPTER/SPEAKER-CHAPTER-N.flac, a chapter's texts in SPEAKER-CHAPTER.trans.txt.

The speakers of its training, development and test splits are disjoint (Panayotov et al., ICASSP 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .item import Item, Left
from .libri import chapters


def read_librispeech(folder: Path) -> Iterator[Item | Left]:
    """Recordings under ``folder``, which holds the splits or is the folder above them."""
    for split, chapter in chapters(folder):
        speaker = chapter.parent.name
        texts = _texts(chapter / f"{speaker}-{chapter.name}.trans.txt")
        for path in sorted(chapter.glob("*.flac")):
            if path.stem not in texts:
                yield Left(path, "no transcript")
                continue
            yield Item(path.stem, f"librispeech-{speaker}", path, texts[path.stem], "librispeech", split)


def _texts(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.strip().partition(" ") for line in lines)
    return {name: text.strip() for name, _, text in pairs if text.strip()}

"""What a reader finds: a recording with its transcript, or something that it must leave out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Item:
    """A recording.

    Attributes:
        utterance_id: unique in the corpus.
        speaker_id: prefixed by the corpus, so that two corpora's readers stay apart.
        path: the recording, not opened yet.
        text: what is read.
        corpus: name of the corpus.
        split: the corpus's own, or ``train`` where it has none.
        shard, member: where the recording lies inside a tar shard, its path is that which it is unpacked to.
    """

    utterance_id: str
    speaker_id: str
    path: Path
    text: str
    corpus: str
    split: str = "train"
    shard: Path | None = None
    member: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """Something left out: one line for the end of the import."""

    path: Path
    why: str


def transcript(path: Path) -> str | None:
    """A transcript file's text on one line, or ``None`` where there is none or it holds nothing."""
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split()) or None
    except (OSError, UnicodeDecodeError):
        return None

"""What a reader finds: a recording with its transcript, or something that it must leave out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FORMATS = (".flac", ".wav", ".mp3", ".ogg", ".opus")  # of the recordings, as soundfile reads them


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


def recordings(folder: Path, ending: str = "") -> list[Path]:
    """Files of ``folder`` whose names end in ``ending`` and the suffix of a format, in any casing, in order.

    People convert corpora, so the format is whatever it has become; what macOS and editors hide is not a recording.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in FORMATS and path.stem.endswith(ending) and not path.name.startswith(".")
    )


def lines(path: Path) -> list[str]:
    """A text file's lines, not split where a text holds one of Unicode's other separators.

    Raises:
        OSError, UnicodeDecodeError: it cannot be read, or is not UTF-8.
    """
    return path.read_text(encoding="utf-8-sig").split("\n")


def transcript(path: Path) -> str | None:
    """A transcript file's text on one line, or ``None`` where there is none or it holds nothing."""
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split()) or None
    except (OSError, UnicodeDecodeError):
        return None

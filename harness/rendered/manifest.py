"""An optional CSV that says who reads what: names in folders hold neither speakers nor texts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .errors import RenderedError
from .listing import READABLE, UNREADABLE
from .naming import normal, utterance_id

NAMED_BY = ("stem", "utterance_id")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: the file's stem (or relative path without suffix), and what is known of the recording."""

    stem: str
    utterance_id: str
    speaker_id: str
    text: str = ""
    split: str = ""


def load_manifest(path: Path) -> list[Entry]:
    """Read a manifest of rendered files.

    Args:
        path: CSV with a header; column ``stem`` (as the files are called, with or without suffix) or ``utterance_id``
            or both, and optionally ``speaker_id``, ``text`` and ``split``; others are ignored.

    Raises:
        RenderedError: no such file, not CSV, a column missing, a stem or an id empty or repeated.
    """
    rows = _rows(path)
    entries = [_entry(path, line, row) for line, row in rows]
    if not entries:
        raise RenderedError(f"{path}: no rows below the header; add one for each recording")
    for column in ("stem", "utterance_id"):
        lines: dict[str, int] = {}
        for (line, _), entry in zip(rows, entries, strict=True):
            value = getattr(entry, column)
            if value in lines:
                raise RenderedError(f"{path}: {column} {value!r} is on lines {lines[value]} and {line}; remove one")
            lines[value] = line
    return entries


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise RenderedError(f"{path}: no such manifest; give a CSV file, or none")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or []]
            if not set(columns) & set(NAMED_BY):
                raise RenderedError(f"{path}: no column 'stem' or 'utterance_id'; there are {', '.join(columns)}")
            reader.fieldnames = columns
            rows = [(reader.line_num, row) for row in reader]
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise RenderedError(f"{path}: not readable as CSV ({error}); save it as UTF-8 CSV") from None
    for line, row in rows:
        if None in row:
            raise RenderedError(f"{path}: line {line} has more values than the header; quote values that hold commas")
    return [(line, {column: (value or "").strip() for column, value in row.items()}) for line, row in rows]


def _entry(path: Path, line: int, row: dict[str, str]) -> Entry:
    name = row.get("stem") or row.get("utterance_id", "")
    if not name:
        raise RenderedError(f"{path}: line {line} names no file; fill in stem or utterance_id")
    stem = without_suffix(name)
    called = utterance_id(row.get("utterance_id") or stem)
    return Entry(stem, called, row.get("speaker_id") or called, row.get("text", ""), row.get("split", ""))


def without_suffix(name: str) -> str:
    """A stem as files are matched by: NFC, ``/`` between folders, no suffix of audio, no leading ``./``."""
    path = PurePosixPath(normal(name))
    stem = str(path)
    suffix = path.suffix.lower()
    return stem[: -len(suffix)] if suffix in READABLE | UNREADABLE else stem

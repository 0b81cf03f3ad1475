"""A corpus: a CSV manifest beside its audio."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from pathlib import Path

from streamflow.errors import StreamflowError

REQUIRED = ("utterance_id", "speaker_id", "path")
SHIPPED = Path(__file__).resolve().parent.parent / "corpora" / "shipped" / "manifest.csv"  # in a checkout


class CorpusError(StreamflowError):
    """A manifest that cannot be used."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording to be decoded.

    Attributes:
        utterance_id: unique in its corpus; names the rendering's file.
        speaker_id: who reads; confidence intervals are clustered by it.
        path: the recording. Whether it is there and sound is found when it is loaded: it concerns this utterance only.
        text: what is read, or "".
        split: the part of the corpus, or "".
        prompt_path: the recording that the speaker embedding is computed from; None for the recording itself.
        tokens_path: its tokens, for weights without a tokenizer; None where the manifest names none.
        voice: name of a voice of the weights, for those without a speaker encoder, or "".
    """

    utterance_id: str
    speaker_id: str
    path: Path
    text: str = ""
    split: str = ""
    prompt_path: Path | None = None
    tokens_path: Path | None = None
    voice: str = ""

    def row(self) -> dict[str, str]:
        """As a run keeps it: who said what, not where the file was."""
        who = {"utterance_id": self.utterance_id, "speaker_id": self.speaker_id, "text": self.text}
        return {**who, "split": self.split} if self.split else who


@dataclass(frozen=True, slots=True)
class Corpus:
    """The utterances of a manifest, in its order."""

    name: str
    path: Path
    utterances: list[Utterance]


def load_corpus(manifest: str | Path, *, split: str | None = None, limit: int | None = None) -> Corpus:
    """Read and check a manifest.

    Args:
        manifest: CSV with a header; columns ``utterance_id``, ``speaker_id``, ``path`` (relative to the manifest), and
            optionally ``text``, ``split``, ``prompt_path``, ``tokens``, ``voice`` (others are ignored).
        split: keep only the rows of this split.
        limit: keep only the first so many of them.

    Raises:
        CorpusError: no such file, not CSV, a column missing, an id empty, repeated or not usable as a file name, no
            rows left.
    """
    manifest = Path(manifest)
    rows = _of_split(manifest, _checked(manifest, _read(manifest)), split)
    if limit is not None and limit < 1:
        raise CorpusError(f"limit {limit}: give at least 1")
    name = manifest.parent.name if manifest.stem == "manifest" else manifest.stem
    return Corpus(name, manifest, [_utterance(manifest.parent, row) for row in rows[:limit]])


def _read(manifest: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a manifest with their line numbers, every value stripped."""
    if manifest.is_dir():
        raise CorpusError(
            f"{manifest}: a folder, not a manifest; give its CSV file, such as {manifest / 'manifest.csv'}"
        )
    if not manifest.is_file():
        raise CorpusError(f"{manifest}: no such manifest; give the CSV file that lists the recordings")
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or []]
            _check_columns(manifest, columns)
            reader.fieldnames = columns
            return [(reader.line_num, _stripped(manifest, reader.line_num, row)) for row in reader]
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"{manifest}: not readable as CSV ({error}); save it as UTF-8 CSV") from None


def _check_columns(manifest: Path, columns: list[str]) -> None:
    if not any(columns):
        raise CorpusError(f"{manifest}: empty; its first line must name the columns {', '.join(REQUIRED)}")
    for column in REQUIRED:
        if column not in columns:
            raise CorpusError(
                f"{manifest}: no column {column!r}; needed are {', '.join(REQUIRED)}, there are {', '.join(columns)}"
            )


def _stripped(manifest: Path, line: int, row: dict[str | None, str | None]) -> dict[str, str]:
    if None in row:  # a value with a comma and no quotes would otherwise shift the columns after it
        raise CorpusError(f"{manifest}: line {line} has more values than the header; quote values that hold commas")
    return {column: (value or "").strip() for column, value in row.items()}


def _checked(manifest: Path, numbered: list[tuple[int, dict[str, str]]]) -> list[dict[str, str]]:
    """Check the required values and the ids."""
    if not numbered:
        raise CorpusError(f"{manifest}: no utterances below the header; add one line for each recording")
    first_lines: dict[str, int] = {}
    for line, row in numbered:
        for column in REQUIRED:
            if not row[column]:
                raise CorpusError(f"{manifest}: line {line} has no {column}; fill it in or remove the line")
        utterance_id = row["utterance_id"]
        if not usable_as_file_name(utterance_id):
            raise CorpusError(
                f"{manifest}: utterance_id {utterance_id!r} cannot name a file; use letters, digits, '-', '_', '.'"
            )
        if utterance_id in first_lines:
            raise CorpusError(
                f"{manifest}: utterance_id {utterance_id!r} is on lines {first_lines[utterance_id]} and {line}; "
                "make each id unique"
            )
        first_lines[utterance_id] = line
    return [row for _, row in numbered]


def usable_as_file_name(name: str) -> bool:
    """Whether a name may become a file or folder in a run: no separators, control characters or leading dot."""
    if not name.isprintable():  # half of a surrogate pair is not, and has no bytes to count
        return False
    return 0 < len(name.encode()) <= 200 and name[0] != "." and not set(name) & set('/\\:*?"<>|')


def _of_split(manifest: Path, rows: list[dict[str, str]], split: str | None) -> list[dict[str, str]]:
    if split is None:
        return rows
    splits = sorted({row.get("split", "") for row in rows} - {""})
    if not splits:
        raise CorpusError(f"{manifest}: no column 'split', so split {split!r} selects nothing; leave --split out")
    if split not in splits:
        raise CorpusError(f"{manifest}: no split {split!r}{did_you_mean(split, splits)}; there are {', '.join(splits)}")
    return [row for row in rows if row["split"] == split]


def did_you_mean(name: str, known: list[str]) -> str:
    """``", did you mean 'x'?"``, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def _utterance(folder: Path, row: dict[str, str]) -> Utterance:
    prompt, tokens = row.get("prompt_path", ""), row.get("tokens", "")
    return Utterance(
        utterance_id=row["utterance_id"],
        speaker_id=row["speaker_id"],
        path=folder / row["path"],
        text=row.get("text", ""),
        split=row.get("split", ""),
        prompt_path=folder / prompt if prompt else None,
        tokens_path=folder / tokens if tokens else None,
        voice=row.get("voice", ""),
    )

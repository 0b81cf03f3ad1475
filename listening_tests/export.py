"""Ratings as tidy tables with a codebook: CSV for people, Parquet for programs, nothing that names a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas

from harness.storage import write_bytes

from .model import RATING_COLUMNS
from .protocols import get_protocol
from .study import Study

CODEBOOK = {
    "study": "the study's id",
    "listener": "pseudonym of a session, made by the server; no panel id can be had from it",
    "slot": "place in the balanced design",
    "position": "of the trial in the session, from 0, other screens counted",
    "role": "main; training, trap, repeat and identical are not part of the results",
    "protocol": "name of the protocol",
    "sentence": "utterance id",
    "condition": "the systems that the trial set side by side",
    "label": "what the listener saw",
    "system": "what was rated; reference, anchor-3500 and anchor-7000 are no systems",
    "against": "the other system of a pair, empty where there is none",
    "value": "the rating, in the protocol's range; of system against the other one where there is one",
    "truth": "what was there, where there is a truth",
    "response": "the answer as given",
    "order": "place of the rated stimulus on the screen, from 0",
    "elapsed_s": "seconds from showing the trial to the answer, by the server's clock",
    "coverage": "least share of a stimulus of the trial that was played, 0 to 1",
    "underruns": "audio underruns during the trial",
    "answered_at": "when the server had the answer, ISO 8601, UTC",
    "excluded": "the registered rules that leave this listener out, empty for those who stay",
}
"""What every column means. A test holds it complete."""


def export_ratings(
    frame: pandas.DataFrame, study: Study, out: str | Path, *, reasons: Mapping[str, list[str]] | None = None
) -> list[Path]:
    """Write ``ratings.csv``, ``ratings.parquet``, ``codebook.json``, ``codebook.md`` and ``study.toml``; each atomically.

    Args:
        frame: RATING_COLUMNS, every role; columns beside them are left out, so that nothing personal slips through.
        reasons: excluded listener -> names of rules (``Exclusions.reasons``). Excluded rows stay in, marked.

    Returns:
        The files written.
    """
    folder = Path(out)
    tidy = tidy_frame(frame, reasons or {})
    book = codebook(study)
    contents = {
        "ratings.csv": tidy.to_csv(index=False, lineterminator="\n").encode(),
        "ratings.parquet": tidy.to_parquet(index=False),
        "codebook.json": json.dumps(book, indent=1, ensure_ascii=False).encode(),
        "codebook.md": _markdown(book).encode(),
        "study.toml": study.to_toml().encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_bytes(folder / name, content)
    return [folder / name for name in contents]


def tidy_frame(frame: pandas.DataFrame, reasons: Mapping[str, list[str]]) -> pandas.DataFrame:
    """The exported columns with their types, in the order of sessions and trials."""
    tidy = frame[list(RATING_COLUMNS)].copy()
    for column, kind in RATING_COLUMNS.items():
        tidy[column] = tidy[column].fillna("").astype(str) if kind is str else tidy[column].astype(kind)
    tidy["elapsed_s"], tidy["coverage"] = tidy["elapsed_s"].round(3), tidy["coverage"].round(4)
    tidy["excluded"] = tidy["listener"].map(lambda name: "; ".join(reasons.get(name, ())))
    return tidy.sort_values(
        ["slot", "listener", "position", "role", "truth", "order"], kind="stable", ignore_index=True
    )


def codebook(study: Study) -> dict[str, Any]:
    """Columns with types and meanings, the protocol's range and the systems, as JSON."""
    protocol = get_protocol(study.protocol)
    kinds = {**{name: kind.__name__ for name, kind in RATING_COLUMNS.items()}, "excluded": "str"}
    return {
        "title": study.title,
        "protocol": protocol.name,
        "task": protocol.standard,
        "value_range": list(protocol.value_range),
        "systems": list(study.systems),
        "simulated": study.simulated,
        "study_hash": study.hash(),
        "columns": [{"name": name, "type": kinds[name], "meaning": CODEBOOK[name]} for name in kinds],
    }


def _markdown(book: Mapping[str, Any]) -> str:
    low, high = book["value_range"]
    lines = [
        f"# {book['title']}: codebook",
        "",
        f"{book['task']} (`{book['protocol']}`), values from {low:g} to {high:g}.",
        f"Systems: {', '.join(book['systems'])}. Study hash `{book['study_hash'][:16]}`.",
        *(["", "**Simulated listeners: these are nobody's ratings.**"] if book["simulated"] else []),
        "",
        "| column | type | meaning |",
        "|---|---|---|",
        *(f"| {row['name']} | {row['type']} | {row['meaning']} |" for row in book["columns"]),
    ]
    return "\n".join(lines) + "\n"

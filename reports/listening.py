"""The results of listening tests that lie in a run: ``RUN/listening/STUDY.json``, read with suspicion."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.run import RunFolder

FORMAT = 1  # that is understood here; listening_tests.joining writes it
AGAIN = "analyse the study again: streamflow study analyse STUDY --run RUN"

Row = Mapping[str, Any]
TEXT, COUNT, MAYBE = "text", "a count", "a number or null"
COLUMNS = {
    "estimates": {"system": TEXT, "mean": MAYBE, "low": MAYBE, "high": MAYBE, "listeners": COUNT, "sentences": COUNT,
                  "p_holm": MAYBE},
    "differences": {"a": TEXT, "b": TEXT, "mean": MAYBE, "low": MAYBE, "high": MAYBE, "p_holm": MAYBE},
    "abx": {"system": TEXT, "against": TEXT, "d_prime": MAYBE, "d_low": MAYBE, "d_high": MAYBE, "p_holm": MAYBE},
    "same_different": {"system": TEXT, "against": TEXT, "d_prime": MAYBE, "d_low": MAYBE, "d_high": MAYBE,
                       "p_holm": MAYBE},
    "correlations": {"metric": TEXT, "identity": TEXT, "level": TEXT, "n": COUNT, "pearson": MAYBE, "spearman": MAYBE,
                     "spearman_low": MAYBE, "spearman_high": MAYBE},
}  # fmt: skip
"""What the report reads of each table; other columns may be there."""


@dataclass(frozen=True, slots=True)
class Study:
    """A study as its file tells it; the tables have the columns of COLUMNS."""

    title: str
    protocol: str
    simulated: bool
    opened: str
    claim: str
    estimates: list[Row]
    differences: list[Row]
    abx: list[Row]
    same_different: list[Row]
    correlations: list[Row]


@dataclass(frozen=True, slots=True)
class Listening:
    """``unread``: a line for each file that is no study's result, and what to do."""

    studies: list[Study] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.studies or self.unread)


def read_listening(run_path: Path) -> Listening:
    """The studies of a run in the order of their files' names; empty where there are none."""
    found = Listening()
    for path in sorted(RunFolder(run_path).listening.glob("[!.]*.json")):
        try:
            found.studies.append(_study(json.loads(path.read_bytes())))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            reason = "not JSON"
        except OSError as error:
            reason = error.strerror or "not readable"
        except (ValueError, OverflowError) as error:
            reason = str(error)
        else:
            continue
        found.unread.append(f"{path.parent.name}/{path.name} is not shown ({reason}); {AGAIN}.")
    return found


def _study(content: Any) -> Study:
    """Raises ValueError with what is wrong."""
    if not isinstance(content, dict):
        raise ValueError("not the results of a study")
    if content.get("format") != FORMAT:
        raise ValueError("written by another version")
    about, facts = (content.get(key) for key in ("study", "facts"))
    if not isinstance(about, dict) or not isinstance(facts, dict):
        raise ValueError("study or facts missing")
    tables = {name: _table(name, content.get(name)) for name in COLUMNS}
    if not tables["estimates"]:
        raise ValueError("no estimates")
    return Study(
        title=_cell("study.title", about.get("title"), TEXT),
        protocol=_cell("study.protocol", about.get("protocol"), TEXT),
        simulated=about.get("simulated") is not False,
        opened=_cell("facts.opened", facts.get("opened"), TEXT),
        claim=_cell("claim", content.get("claim"), TEXT),
        **tables,
    )


def _table(name: str, rows: Any) -> list[Row]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} is no table")
    return [{key: _cell(f"{name}.{key}", row.get(key), kind) for key, kind in COLUMNS[name].items()} for row in rows]


def _cell(name: str, value: Any, kind: str) -> Any:
    if kind == TEXT:
        good = isinstance(value, str)
    elif kind == COUNT:
        good = type(value) is int and value >= 0
    else:
        good = value is None or (type(value) in (int, float) and math.isfinite(value))
    if not good:
        raise ValueError(f"{name} is not {kind}")
    return value

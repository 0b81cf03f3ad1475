"""Every metric of one utterance by system, with what limits it: the ceilings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.colours import Appearance
from reports.formatting import number, significant

CEILING_OF = {"speaker_similarity": "speaker_similarity_ceiling"}  # measured on the recordings alone
CEILINGS = frozenset(CEILING_OF.values())
ARROWS = {"higher": "↑", "lower": "↓"}
WORDS = {"higher": "higher is better", "lower": "lower is better"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, or why there is none; ``best`` among the decoders."""

    text: str
    why: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A metric."""

    name: str
    arrow: str
    direction: str
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """A system, or a ceiling."""

    name: str
    slot: int | None
    symbol: str
    control: bool
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class MetricTable:
    """``lines`` has the decoders first, then the ceilings; empty where nothing was scored."""

    columns: list[Column]
    lines: list[Line]


def metric_table(renderings: Mapping[str, Any], looks: Mapping[str, Appearance]) -> MetricTable:
    """One line a system, one column a metric, ceilings last; the best decoder of each metric is marked."""
    scores = {name: {row["metric"]: row for row in rendering.scores} for name, rendering in renderings.items()}
    metrics = list(dict.fromkeys(metric for rows in scores.values() for metric in rows if metric not in CEILINGS))
    first = {metric: next(rows[metric] for rows in scores.values() if metric in rows) for metric in metrics}
    columns = [_column(metric, first[metric]) for metric in metrics]
    digits = {metric: significant(_values(scores.values(), metric)) for metric in metrics}
    decoders = [name for name, rendering in renderings.items() if not rendering.control]
    best = {metric: _best([scores[name].get(metric) for name in decoders], first[metric]) for metric in metrics}
    lines = []
    for name, rendering in sorted(renderings.items(), key=lambda item: item[1].control):
        cells = [
            _cell(scores[name].get(metric), digits[metric], None if rendering.control else best[metric])
            for metric in metrics
        ]
        lines.append(Line(name, looks[name].slot, looks[name].symbol, rendering.control, cells))
    return MetricTable(columns, [*lines, *_measured_ceilings(scores, metrics, digits)])


def _column(metric: str, row: Mapping[str, Any]) -> Column:
    direction = str(row.get("direction") or "")
    unit = str(row.get("unit") or "")
    return Column(metric, ARROWS.get(direction, ""), WORDS.get(direction, ""), "" if unit == "1" else unit)


def _values(rows: Any, metric: str) -> list[float]:
    found = (of[metric]["value"] for of in rows if metric in of)
    return [float(value) for value in found if value is not None]


def _best(rows: list[Mapping[str, Any] | None], example: Mapping[str, Any]) -> float | None:
    """The best value of several; None where one has no competitor, or no direction is the better one."""
    values = [float(row["value"]) for row in rows if row is not None and row["value"] is not None]
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 2 or example.get("direction") not in ARROWS:
        return None
    return max(values) if example["direction"] == "higher" else min(values)


def _cell(row: Mapping[str, Any] | None, digits: int, best: float | None) -> Cell:
    if row is None:
        return Cell("—", "not measured")
    if row["value"] is None:
        return Cell("—", str(row.get("unscored_because") or "unscored"))
    return Cell(number(float(row["value"]), digits), best=best is not None and float(row["value"]) == best)


def _measured_ceilings(
    scores: Mapping[str, Mapping[str, Any]], metrics: list[str], digits: Mapping[str, int]
) -> list[Line]:
    """A line of what two recordings of the speaker reach, where that was measured."""
    found = {}
    for metric, ceiling in CEILING_OF.items():
        rows = [rows[ceiling] for rows in scores.values() if ceiling in rows]
        if metric in metrics and rows:
            found[metric] = next((row for row in rows if row["value"] is not None), rows[0])
    if not found:
        return []
    cells = [_cell(found[metric], digits[metric], None) if metric in found else Cell("", "") for metric in metrics]
    return [Line("another recording", None, "", True, cells)]

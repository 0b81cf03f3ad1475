"""The tables of a sweep: what stands in its figures, and the paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.sweep import SweptRun
from reports.comparison import Comparison
from reports.formatting import interval, number
from reports.sweep_differences import Difference
from reports.sweep_figures import looks
from reports.sweep_lines import Line, named, told
from reports.sweep_quantities import Quantity
from reports.tables import Cell, Column, Row, Table

MARKS = {"better": " ▲", "worse": " ▼"}


def value_table(
    comparison: Comparison, swept: SweptRun, axis: str, lines: Sequence[Line], shown: Sequence[Quantity]
) -> Table:
    """What the figures along an axis show: a row a point, and the baseline at the end."""
    table = Table(
        "Means with 95 % intervals, clustered by speaker; z has a band of chance (−2 to 2) instead, and algorithmic latency "
        "is exact. z grows with the number of seams, so compare it at one block and hop only; mel flux does not.",
        f"strategy, {axis}",
        [Column(f"{quantity.name} {quantity.arrow}".strip(), _unit(quantity)) for quantity in shown],
    )
    appearance = looks(swept)
    for line in lines:
        for value, system in zip(line.values, line.systems, strict=True):
            note = "default" if system == swept.defaults[line.strategy] else ""
            cells = [_cell(quantity, system) for quantity in shown]
            table.rows.append(Row(f"{line.strategy}, {told(value)}", cells, appearance[line.strategy].slot, note))
    if swept.baseline and swept.baseline not in swept.systems:
        cells = [_cell(quantity, swept.baseline) for quantity in shown]
        table.rows.append(Row(swept.baseline, cells, comparison.appearance[swept.baseline].slot, "baseline"))
    return table


def latency_table(comparison: Comparison, swept: SweptRun, scores: Sequence[Quantity]) -> Table:
    """Every point by its algorithmic latency, and whether it is on the frontier of each score's means."""
    from reports.latency_figures import frontier

    wait = {system: comparison.algorithmic_latency(system) for system in swept.systems}
    order = sorted((s for s in swept.systems if math.isfinite(wait[s])), key=lambda system: wait[system])
    kept = {
        q.key: frontier({s: (wait[s], e.mean) for s in order if (e := q.of(s))}, q.metric.direction) for q in scores
    }
    table = Table(
        "Every point by its algorithmic latency. ◆: on the frontier, no other is both sooner and better on average; that "
        "says nothing of whether its neighbours can be told apart, which the differences below do.",
        "system",
        [Column("algorithmic latency ↓", "s"), *(Column(f"{q.name} {q.arrow}", _unit(q)) for q in scores)],
    )
    appearance = looks(swept)
    for system in order:
        cells = [Cell(number(wait[system], 2), value=wait[system])]
        for quantity in scores:
            cell = _cell(quantity, system)
            mark = " ◆" if system in kept[quantity.key] else ""
            cells.append(Cell(cell.text + mark, cell.note, value=cell.value, low=cell.low, high=cell.high, n=cell.n))
        table.rows.append(Row(named(swept, system), cells, appearance[swept.systems[system]].slot))
    return table


def difference_table(swept: SweptRun, rows: Sequence[Difference]) -> Table:
    """A row a system, a column a metric."""
    metrics = list(dict.fromkeys(row.metric for row in rows))
    base = swept.baseline or "its strategy's default"
    table = Table(
        f"Paired difference to {base}; below it an interval that holds for all differences of the run's sweeps at once "
        "(95 %, Bonferroni), and p after Holm over all. ▲ better, ▼ worse, the others are not told from noise. Of "
        "heavy-tailed metrics it is the 20 % trimmed mean.",
        "system",
        [Column(f"{m.name} {m.arrow}", "" if m.unit in ("", "1") else m.unit) for m in metrics],
    )
    appearance = looks(swept)
    cells = {(row.system, row.metric.identity): row for row in rows}
    for system in dict.fromkeys(row.system for row in rows):
        row_cells = [_difference_cell(cells.get((system, metric.identity))) for metric in metrics]
        table.rows.append(Row(named(swept, system), row_cells, appearance[swept.systems[system]].slot))
    return table


def _difference_cell(row: Difference | None) -> Cell:
    if row is None or not math.isfinite(row.difference):
        return Cell("\u2014", "no pairs", tone="absent")
    known = math.isfinite(row.low) and math.isfinite(row.high)
    span = interval(row.low, row.high, row.decimals, signed=True) if known else "no interval"
    p = "too few" if row.verdict == "too few" else f"p {'<' if row.p_holm < 0.001 else ''}{max(row.p_holm, 0.001):.3f}"
    return Cell(
        number(row.difference, row.decimals, signed=True) + MARKS.get(row.verdict, ""),
        f"{span} · {p}",
        tone=row.verdict if row.is_told else "",
        value=row.difference,
        low=row.low if known else None,
        high=row.high if known else None,
        n=row.n,
    )


def _cell(quantity: Quantity, system: str) -> Cell:
    estimate = quantity.of(system)
    if estimate is None:
        return Cell("\u2014", tone="absent")
    note = interval(estimate.low, estimate.high, quantity.decimals) if estimate.has_interval else ""
    return Cell(
        number(estimate.mean, quantity.decimals),
        note,
        value=estimate.mean,
        low=estimate.low if note else None,
        high=estimate.high if note else None,
        n=estimate.n,
    )


def _unit(quantity: Quantity) -> str:
    return quantity.axis.split("(", 1)[1].split(")")[0] if "(" in quantity.axis and "(1)" not in quantity.axis else ""

"""The sweeps of a run: each parameter against quality, seams and waiting, the frontier, and what is told from noise."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from harness.run import Run
from harness.sweep import SweptRun, swept_runs
from reports.comparison import Comparison
from reports.formatting import count, join
from reports.sweep_differences import Difference, differences, of_sweep, said
from reports.sweep_figures import difference_figure, latency_figure, parameter_figure, span_of
from reports.sweep_lines import crossed, lines_of, multiples, told
from reports.sweep_quantities import Quantity, quantities
from reports.sweep_tables import difference_table, latency_table, value_table


def sweep_section(comparison: Comparison) -> list[dict[str, Any]] | None:
    """What templates/sweep.html.j2 shows, a part a sweep; None where the run holds none, or there are several runs."""
    if not isinstance(comparison.run, Run):
        return None
    swept = swept_runs(comparison.run.experiment, comparison.run.provenance)
    if not swept:
        return None
    shown, tested = quantities(comparison), differences(comparison, swept)
    return [_part(comparison, one, shown, tested, place) for place, one in enumerate(swept, 1)]


def _part(
    comparison: Comparison, swept: SweptRun, shown: list[Quantity], tested: list[Difference], place: int
) -> dict[str, Any]:
    scores = [quantity for quantity in shown if quantity.metric]
    rows = of_sweep(tested, swept)
    family = sum(not math.isnan(row.p_holm) for row in tested)
    frontiers = {q.name: figure for q in scores if (figure := latency_figure(comparison, swept, q))}
    forests = {
        metric.name: figure
        for metric in dict.fromkeys(row.metric for row in rows)
        if (
            figure := difference_figure(
                swept, [r for r in rows if r.metric is metric], f"difference in {metric.axis_title}"
            )
        )
    }
    return {
        "id": f"sweep{place}",
        "name": swept.name,
        "facts": facts(swept),
        "said": said(rows, swept, family) if scores else "",
        "left_out": left_out(swept),
        "otherwise": otherwise(swept),
        "axes": [axis for axis in (_axis(comparison, swept, one.name, shown) for one in swept.axes) if axis],
        "multiples": _multiples(swept, shown),
        "latency_figures": frontiers,
        "latency_table": latency_table(comparison, swept, scores) if frontiers else None,
        "difference_figures": forests,
        "difference_table": difference_table(swept, rows) if rows else None,
    }


def facts(swept: SweptRun) -> str:
    """What was varied, in a sentence."""
    axes = join(f"{axis.name} ({', '.join(told(value) for value in axis.values)})" for axis in swept.axes)
    base = f"compared with {swept.baseline}" if swept.baseline else "compared with the strategies' defaults"
    return f"Varied: {axes}, of {join(swept.strategies)}; {count(len(swept.systems), 'system')}, {base}."


def otherwise(swept: SweptRun) -> list[str]:
    """How many points use weights otherwise than they were trained, a sentence for each strategy and way of training."""
    counts = Counter((swept.systems[system], told) for system, told in swept.otherwise.items())
    return [
        f"{count(n, 'point')} of {strategy} {'uses' if n == 1 else 'use'} weights that were trained otherwise, with {told}"
        for (strategy, told), n in counts.items()
    ]


def left_out(swept: SweptRun) -> list[str]:
    """What was not decoded: each reason once, with the systems that it is about."""
    reasons: dict[str, list[str]] = {}
    for line in swept.left_out:
        name, _, why = line.partition(": ")
        reasons.setdefault(why, []).append(name)
    return [f"{join(names)} ({why})" for why, names in reasons.items()]


def _axis(comparison: Comparison, swept: SweptRun, axis: str, shown: list[Quantity]) -> dict[str, Any] | None:
    """The figures along one axis, all else at the defaults, and their table."""
    lines = lines_of(swept, axis)
    figures = [(q, figure) for q in shown if (figure := parameter_figure(swept, axis, lines, q))]
    if not figures:
        return None
    others = [other.name for other in swept.axes if other.name != axis]
    defaults = join(f"{told(swept.values[swept.defaults[line.strategy]][axis])} ({line.strategy})" for line in lines)
    return {
        "name": axis,
        "note": f"Default: {defaults}." + (f" {join(others)} at the default." if others else "") + _level(swept),
        "figures": figures,
        "table": value_table(comparison, swept, axis, lines, [q for q, _ in figures]),
    }


def _level(swept: SweptRun) -> str:
    level = bool(swept.baseline) and swept.baseline not in swept.systems
    return " The thin level across is the baseline, the grey band what chance does to z." if level else (
        " The grey band is what chance does to z."
    )  # fmt: skip


def _multiples(swept: SweptRun, shown: list[Quantity]) -> list[dict[str, Any]]:
    """For each pair of crossed axes: by quantity, a figure for each value of the second, on one vertical axis."""
    found = []
    for along, across in multiples(swept):
        panels: dict[str, list[tuple[str, Any]]] = {}
        for quantity in shown:
            at = [(value, crossed(swept, along, across, value)) for value in across.values]
            span = span_of([line for _, lines in at for line in lines], quantity)
            drawn = [
                (f"{across.name} {told(value)}", figure)
                for value, lines in at
                if (figure := parameter_figure(swept, along.name, lines, quantity, span=span))
            ]
            if len(drawn) > 1:
                panels[quantity.name] = drawn
        if panels:
            found.append({"along": along.name, "across": across.name, "panels": panels})
    return found

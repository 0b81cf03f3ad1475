"""Plots of a sweep: a quantity against a parameter, quality against algorithmic latency, differences in rows."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from harness.sweep import SweptRun
from harness.sweep.units import axis_title
from reports.colours import Appearance, appearances
from reports.comparison import Comparison
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, short, whiskers
from reports.formatting import interval, number
from reports.latency_figures import TICKS, frontier
from reports.sweep_differences import Difference
from reports.sweep_lines import Line, label, told
from reports.sweep_quantities import Quantity
from streamflow.strategies import STRATEGIES

HEIGHT = 270
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
APART = 0.012  # of the axis, between strategies at one value, so that whiskers do not lie over each other


def looks(swept: SweptRun) -> dict[str, Appearance]:
    """By strategy: the same in every sweep, whichever others are in it."""
    return appearances(dict.fromkeys([*STRATEGIES, *swept.strategies]))


def parameter_figure(
    swept: SweptRun,
    axis: str,
    lines: Sequence[Line],
    quantity: Quantity,
    *,
    span: tuple[float, float] | None = None,
) -> Figure | None:
    """A quantity against a parameter, a line a strategy; None where no line has two points.

    Args:
        span: of the vertical axis, for figures that are to be compared; None to fit.
    """
    numeric = all(is_number(value) for line in lines for value in line.values)
    width = max((v for line in lines for v in line.values), default=1) - min(
        (v for line in lines for v in line.values), default=0
    ) if numeric else 1  # fmt: skip
    figure = Figure(HEIGHT)
    if quantity.chance:
        low, high = quantity.chance
        figure.shape("band", type="rect", x0=0, x1=1, xref="paper", y0=low, y1=high, line={"width": 0}, layer="below")
    appearance = looks(swept)
    drawn: set[float | str] = set()
    for place, line in enumerate(lines):
        look = appearance[line.strategy]
        points = [(v, s, e) for v, s in zip(line.values, line.systems, strict=True) if (e := quantity.of(s))]
        if len(points) < 2:
            continue
        shift = (place - (len(lines) - 1) / 2) * APART * width if numeric else 0
        xs = [value + shift if numeric else told(value) for value, _, _ in points]
        drawn.update(value if numeric else told(value) for value, _, _ in points)
        figure.scatter(
            x=xs,
            y=[estimate.mean for _, _, estimate in points],
            mode="lines+markers",
            name=html.escape(line.strategy),
            line={"width": 2, "dash": DASHES[look.slot % len(DASHES)]},
            marker={"symbol": look.symbol, "size": 8},
            error_y=_bars([estimate for _, _, estimate in points]),
            text=[_hover(axis, value, system, quantity) for value, system, _ in points],
            hovertemplate="%{text}<extra></extra>",
            meta=paint(look),
        )
    if not figure.data:
        return None
    _level(figure, swept, quantity)
    figure.axis("xaxis", axis_title(axis), **_ticks(sorted(drawn) if numeric else list(drawn), numeric))
    figure.axis("yaxis", quantity.axis, **_range(quantity, span))
    if len(figure.data) > 1:
        figure.legend_below()
    return figure


def _range(quantity: Quantity, span: tuple[float, float] | None) -> Mapping[str, object]:
    if quantity.from_zero:
        return {"rangemode": "tozero"} if span is None else {"range": [0, span[1]]}
    return {} if span is None else {"range": list(span)}


def span_of(lines: Sequence[Line], quantity: Quantity) -> tuple[float, float] | None:
    """The vertical axis that all of these lines and their whiskers fit on."""
    found = [e for line in lines for system in line.systems if (e := quantity.of(system))]
    low = min((e.low if e.has_interval else e.mean for e in found), default=math.nan)
    high = max((e.high if e.has_interval else e.mean for e in found), default=math.nan)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return low - room, high + room


def latency_figure(comparison: Comparison, swept: SweptRun, quantity: Quantity) -> Figure | None:
    """A score against algorithmic latency, every point of the sweep, and the frontier of the means."""
    wait = {system: comparison.algorithmic_latency(system) for system in swept.systems}
    placed = {s: (wait[s], e.mean) for s in swept.systems if math.isfinite(wait[s]) and (e := quantity.of(s))}
    if quantity.metric is None or len({seconds for seconds, _ in placed.values()}) < 2:
        return None
    figure = Figure(380)
    end = max(seconds for seconds, _ in placed.values())  # what can be had sooner can be had later
    kept = frontier(placed, quantity.metric.direction)
    figure.scatter(
        x=[*(round(placed[s][0], 4) for s in kept), end],
        y=[*(placed[s][1] for s in kept), placed[kept[-1]][1]],
        mode="lines",
        name="frontier",
        line={"width": 2, "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
        meta=paint(role="reference"),
    )
    appearance = looks(swept)
    for strategy in swept.strategies:
        own = [system for system in placed if swept.systems[system] == strategy]
        if not own:
            continue
        look = appearance[strategy]
        figure.scatter(
            x=[round(placed[s][0], 4) for s in own],
            y=[placed[s][1] for s in own],
            mode="markers",
            name=html.escape(strategy),
            marker={"symbol": look.symbol, "size": 9},
            error_y=_bars([quantity.estimates[s] for s in own]),
            text=[f"{html.escape(s)}<br>{_value(quantity, s)} after {placed[s][0]:.2f} s" for s in own],
            hovertemplate="%{text}<extra></extra>",
            meta=paint(look),
        )
    _level(figure, swept, quantity)
    low, high = min(x for x, _ in placed.values()) / 1.15, max(x for x, _ in placed.values()) * 1.15
    ticks = [tick for tick in (*TICKS, 0.2, 0.4, 0.5, 0.8, 1.5, 3) if low <= tick <= high]
    log = {"type": "log", "range": [math.log10(low), math.log10(high)]}
    named = {"tickvals": sorted(ticks), "ticktext": [f"{tick:g}" for tick in sorted(ticks)]}
    figure.axis("xaxis", "algorithmic latency (s)", **named, **log)
    figure.axis("yaxis", quantity.axis)
    figure.legend_below()
    return figure


def difference_figure(swept: SweptRun, differences: Sequence[Difference], title: str) -> Figure | None:
    """A row a system: its paired difference; filled where it is told from noise, open where not."""
    rows = [row for row in differences if math.isfinite(row.difference)]
    if not rows:
        return None
    names = [row.system for row in rows]
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows(names)
    figure.axis("yaxis", ticktext=[html.escape(short(label(swept, name), 26)) for name in names[::-1]])
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line=line, layer="below")
    appearance = looks(swept)
    for row in rows:
        look, name = appearance[swept.systems[row.system]], html.escape(row.system)
        shown = math.isfinite(row.low) and math.isfinite(row.high)
        span = interval(row.low, row.high, row.decimals, signed=True) if shown else "no interval"
        figure.scatter(
            x=[row.difference],
            y=[name],
            mode="markers",
            marker={"symbol": look.symbol if row.is_told else f"{look.symbol}-open", "size": 10},
            error_x=whiskers(row.difference, row.low, row.high, shown),
            hovertemplate=f"{name}<br>{number(row.difference, row.decimals, signed=True)} ({span})"
            f"<br>{row.verdict}<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", title, fixedrange=True, nticks=6)
    return figure


def is_number(value: object) -> bool:
    """Whether a value has a place on a line: booleans and words have none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _level(figure: Figure, swept: SweptRun, quantity: Quantity) -> None:
    """What the baseline reaches, all the way across."""
    estimate = quantity.of(swept.baseline) if swept.baseline else None
    if estimate is None or swept.baseline in swept.systems:
        return
    line = {"width": 1, "dash": "longdash"}
    figure.shape("rule", type="line", x0=0, x1=1, xref="paper", y0=estimate.mean, y1=estimate.mean, line=line)


def _ticks(values: list, numeric: bool) -> Mapping[str, object]:
    if not numeric:
        return {"type": "category", "range": [-0.35, len(values) - 0.65]}
    room = 0.06 * (values[-1] - values[0])
    return {
        "tickvals": values if len(values) < 9 else values[:: math.ceil(len(values) / 8)],
        "range": [values[0] - room, values[-1] + room],
    }


def _bars(estimates: Sequence) -> dict:
    return {
        "type": "data",
        "symmetric": False,
        "array": [e.high - e.mean if e.has_interval else 0 for e in estimates],
        "arrayminus": [e.mean - e.low if e.has_interval else 0 for e in estimates],
        "visible": any(e.has_interval for e in estimates),
        "thickness": 1.5,
        "width": 4,
    }


def _value(quantity: Quantity, system: str) -> str:
    estimate = quantity.estimates[system]
    text = number(estimate.mean, quantity.decimals)
    return f"{text} ({interval(estimate.low, estimate.high, quantity.decimals)})" if estimate.has_interval else text


def _hover(axis: str, value: object, system: str, quantity: Quantity) -> str:
    return f"{html.escape(system)}<br>{axis} {html.escape(told(value))}: {_value(quantity, system)}"

"""Forest plots: paired differences to the baseline with their intervals, a metric in its unit or all of a system."""

from __future__ import annotations

import html
import math

from reports.comparison import Comparison, MetricColumn
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import interval, number
from reports.verdicts import Verdict, verdicts_of


def forest_figure(comparison: Comparison, metric: MetricColumn) -> Figure | None:
    """Rows of systems: mean difference to the baseline and its interval; a band where a margin was given.

    Controls are left out where there are decoders: what separates those would be lost beside a ceiling's difference.
    None where no system has a difference.
    """
    found = verdicts_of(comparison)
    decoders = [system for system in comparison.others if system not in comparison.controls]
    rows = [found[s, metric.identity] for s in decoders or comparison.others if (s, metric.identity) in found]
    rows = [row for row in rows if math.isfinite(row.difference)]
    if not rows:
        return None
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows([row.system for row in rows])
    margin = next((row.margin for row in rows if math.isfinite(row.margin) and row.margin > 0), None)
    if margin:
        edge = {"line": {"width": 0}, "layer": "below"}
        figure.shape("band", type="rect", x0=-margin, x1=margin, y0=0, y1=1, yref="paper", **edge)
    _zero(figure)
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        figure.scatter(
            x=[row.difference],
            y=[name],
            mode="markers",
            marker={"symbol": look.symbol, "size": 10},
            error_x=whiskers(row.difference, row.low, row.high, row.has_interval),
            hovertemplate=f"{name}<br>{_told(row)}<extra></extra>",
            meta=paint(look),
        )
    unit = f" ({metric.unit})" if metric.unit and metric.unit != "1" else ""
    figure.axis("xaxis", f"difference to {comparison.baseline}{unit}{metric.aim}", fixedrange=True, nticks=6)
    return figure


def effect_figures(comparison: Comparison) -> dict[str, Figure]:
    """By system: every metric's standardised effect (d_z), turned so that right is better."""
    found = verdicts_of(comparison)
    figures = {}
    for system in comparison.others:
        rows = [v for v in found.values() if v.system == system and v.metric.direction and math.isfinite(v.d_z)]
        if rows:
            figures[system] = _effects(comparison, system, rows)
    return figures


def _effects(comparison: Comparison, system: str, rows: list[Verdict]) -> Figure:
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows([row.metric.name for row in rows])
    _zero(figure)
    look = comparison.appearance[system]
    for row in rows:
        sign = 1 if row.metric.direction == "higher" else -1
        ends = sorted((sign * row.d_z_low, sign * row.d_z_high))
        shown = all(map(math.isfinite, ends))
        figure.scatter(
            x=[sign * row.d_z],
            y=[html.escape(row.metric.name)],
            mode="markers",
            marker={"symbol": look.symbol if row.word in ("better", "worse") else f"{look.symbol}-open", "size": 10},
            error_x=whiskers(sign * row.d_z, *ends, shown),
            hovertemplate=f"{html.escape(row.metric.name)}<br>{_told(row)}<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", f"effect d_z against {comparison.baseline}, right is better", fixedrange=True, nticks=6)
    return figure


def _zero(figure: Figure) -> None:
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line=line, layer="below")


def _told(row: Verdict) -> str:
    span = interval(row.low, row.high, row.decimals, signed=True) if row.has_interval else "no interval"
    p = f", p = {number(row.p_holm, 3)} after Holm" if math.isfinite(row.p_holm) else ""
    effect = f"<br>d_z = {number(row.d_z, 2, signed=True)}" if math.isfinite(row.d_z) else ""
    value = number(row.difference, row.decimals, signed=True)
    return f"{html.escape(row.estimator)} {value} ({span}){effect}{p}<br>n = {row.n}: {html.escape(row.word)}"

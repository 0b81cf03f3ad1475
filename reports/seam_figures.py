"""Plots of the seams: how they rank among their surroundings, by how much they differ, how well they can be told."""

from __future__ import annotations

import html
import math

from reports.comparison import Comparison
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import decimals_for, interval, number
from reports.seam_tables import Detectability, SeamRow, detectabilities, p_text, rows_of

CONTROL = {"symbol": "line-ns-open", "size": 14, "line": {"width": 2}}  # the recording, wherever it is the control


def z_figure(comparison: Comparison, measure: str) -> Figure:
    """Rows of systems: z of the seams, and the recording's; the band from −2 to 2 is what chance does."""
    rows = [row for row in rows_of(comparison, measure) if math.isfinite(row.z)]
    figure = _rows(rows)
    line = {"width": 0}
    figure.shape("band", type="rect", x0=-2, x1=2, y0=0, y1=1, yref="paper", line=line, layer="below")
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        figure.scatter(
            x=[0, round(row.z, 4)],
            y=[name, name],
            mode="lines+markers",
            line={"width": 2},
            marker={"symbol": look.symbol if row.stands_out else f"{look.symbol}-open", "size": [0, 10]},
            hovertemplate=f"{name}<br>z = {number(row.z, 1)}, {row.n} seams<br>p = {p_text(row.p_holm)} after Holm"
            "<extra></extra>",
            meta=paint(look),
        )
        if math.isfinite(row.z_reference):
            told = f"recording at the seams of {name}<br>z = {number(row.z_reference, 1)}<extra></extra>"
            _control(figure, name, row.z_reference, told)
    figure.axis("xaxis", f"{measure}: z of the seams (1)", fixedrange=True, nticks=6)
    return figure


def effect_figure(comparison: Comparison, measure: str) -> Figure:
    """Rows of systems: seam minus matched position with its interval, and the same of the recording in grey below."""
    rows = [row for row in rows_of(comparison, measure) if math.isfinite(row.effect.mean)]
    figure = _rows(rows)
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line=line, layer="below")
    digits = decimals_for((row.effect.high - row.effect.low) / 2 for row in rows)
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        if math.isfinite(row.control.mean):
            _grey(figure, name, row.control.mean, row.control.low, row.control.high, digits)
        span = (
            interval(row.effect.low, row.effect.high, digits, signed=True) if row.effect.has_interval else "no interval"
        )
        figure.scatter(
            x=[row.effect.mean],
            y=[name],
            mode="markers",
            marker={"symbol": look.symbol, "size": 10},
            error_x=whiskers(row.effect.mean, row.effect.low, row.effect.high, row.effect.has_interval),
            hovertemplate=f"{name}<br>{number(row.effect.mean, digits, signed=True)} ({span})"
            f"<br>p = {p_text(row.effect.p)}<extra></extra>",
            meta=paint(look),
        )
    unit = f" ({rows[0].unit})" if rows and rows[0].unit else ""
    figure.axis("xaxis", f"seam minus matched position{unit}", fixedrange=True, nticks=6)
    return figure


def detectability_figure(comparison: Comparison) -> Figure | None:
    """Forest of areas under the ROC curve; the dotted line is guessing, grey the recording at the same positions."""
    rows = [row for row in detectabilities(comparison) if math.isfinite(row.auc)]
    if not rows:
        return None
    figure = _rows(rows)
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0.5, x1=0.5, y0=0, y1=1, yref="paper", line=line, layer="below")
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        if math.isfinite(row.control):
            _grey(figure, name, row.control, row.control_low, row.control_high, 2)
        span = interval(row.low, row.high, 2) if row.has_interval else "no interval"
        figure.scatter(
            x=[row.auc],
            y=[name],
            mode="markers",
            marker={"symbol": look.symbol, "size": 10},
            error_x=whiskers(row.auc, row.low, row.high, row.has_interval),
            hovertemplate=f"{name}<br>area {number(row.auc, 3)} ({span})<br>{row.seams} seams, {row.utterances} utterances"
            "<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", "area under the ROC curve (1), 0.5 is guessing", fixedrange=True, nticks=6)
    return figure


def _rows(rows: list[SeamRow] | list[Detectability]) -> Figure:
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows([row.system for row in rows])
    return figure


def _control(figure: Figure, name: str, value: float, told: str) -> None:
    figure.scatter(
        x=[round(value, 4)],
        y=[name],
        mode="markers",
        marker=dict(CONTROL),
        hovertemplate=told,
        meta=paint(role="reference"),
    )


def _grey(figure: Figure, name: str, value: float, low: float, high: float, digits: int) -> None:
    shown = math.isfinite(low) and math.isfinite(high)
    figure.scatter(
        x=[value],
        y=[name],
        mode="markers",
        marker=dict(CONTROL),
        error_x={**whiskers(value, low, high, shown), "thickness": 4, "width": 0},
        hovertemplate=f"recording at the seams of {name}<br>{number(value, digits)}<extra></extra>",
        meta=paint(role="reference", alpha=0.55),
    )

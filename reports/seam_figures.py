"""Plots of the seams: each measure at seams, interior and reference, and how far the seams stand out."""

from __future__ import annotations

import html
import math

from reports.comparison import Comparison
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint
from reports.seam_tables import SeamRow, seam_rows


def seam_figure(comparison: Comparison, measure: str, unit: str) -> Figure:
    """Rows of systems: filled marker at the seams, open one inside, a bar for the reference, joined by a line."""
    rows = [row for row in seam_rows(comparison) if row.measure == measure and row.n]
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows([row.system for row in rows])
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        _line(figure, row, name, look)
        for value, symbol, size, role, place in (
            (row.reference, "line-ns-open", 14, "reference", "reference, same positions"),
            (row.interior, f"{look.symbol}-open", 9, "system", "matched interior positions"),
            (row.seam, look.symbol, 10, "system", "seams"),
        ):
            if math.isfinite(value):
                figure.scatter(
                    x=[round(value, 6)],
                    y=[name],
                    mode="markers",
                    marker={"symbol": symbol, "size": size, "line": {"width": 2}},
                    hovertemplate=f"{name}<br>{place}: %{{x:.3f}}<extra></extra>",
                    meta=paint(look, role=role),
                )
    figure.axis("xaxis", f"{measure} ({unit})" if unit else measure, fixedrange=True)
    return figure


def z_figure(comparison: Comparison, measure: str) -> Figure:
    """Rows of systems: z of the seams; the band from −2 to 2 is what chance does."""
    rows = [row for row in seam_rows(comparison) if row.measure == measure and row.n]
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(rows))
    figure.system_rows([row.system for row in rows])
    line = {"width": 0}
    figure.shape("band", type="rect", x0=-2, x1=2, y0=0, y1=1, yref="paper", line=line, layer="below")
    for row in rows:
        look, name = comparison.appearance[row.system], html.escape(row.system)
        if not math.isfinite(row.z):
            continue
        figure.scatter(
            x=[0, round(row.z, 4)],
            y=[name, name],
            mode="lines+markers",
            line={"width": 2},
            marker={"symbol": look.symbol, "size": [0, 10], "opacity": [0, 1]},
            hovertemplate=f"{name}<br>z = {row.z:.1f}, {row.n} seams<extra></extra>",
            meta=paint(look),
        )
        if math.isfinite(row.z_reference):
            figure.scatter(
                x=[round(row.z_reference, 4)],
                y=[name],
                mode="markers",
                marker={"symbol": "line-ns-open", "size": 14, "line": {"width": 2}},
                hovertemplate=f"reference at the seams of {name}<br>z = {row.z_reference:.1f}<extra></extra>",
                meta=paint(role="reference"),
            )
    figure.axis("xaxis", f"{measure}: z of the seams among shifted grids (1)", fixedrange=True)
    return figure


def _line(figure: Figure, row: SeamRow, name: str, look: object) -> None:
    if math.isfinite(row.seam) and math.isfinite(row.interior):
        figure.scatter(
            x=[row.interior, row.seam], y=[name, name], mode="lines", line={"width": 2}, hoverinfo="skip",
            meta=paint(look, alpha=0.5),
        )  # fmt: skip

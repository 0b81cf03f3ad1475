"""One plot a metric: every system's mean with its interval, over its utterances."""

from __future__ import annotations

import html

import numpy as np

from reports.comparison import Comparison, MetricColumn
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import decimals_for, interval, number

MOST_TICKS = 200  # utterances drawn for a system; of more, evenly thinned in the order of their values


def metric_figure(comparison: Comparison, metric: MetricColumn) -> Figure:
    """Rows of systems; a pale tick for each utterance, a marker with whiskers for mean and interval."""
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(comparison.systems))
    figure.system_rows(comparison.systems)
    estimates = {system: comparison.estimate(system, metric) for system in comparison.systems}
    decimals = decimals_for(estimate.half_width for estimate in estimates.values())
    for system, estimate in estimates.items():
        look, row = comparison.appearance[system], html.escape(system)
        values = comparison.values(system, metric)
        if len(values) > MOST_TICKS:
            places = np.linspace(0, len(values) - 1, MOST_TICKS).round().astype(int)
            values = values.sort_values().iloc[places]
        figure.scatter(
            x=[float(f"{value:.6g}") for value in values],
            y=[row] * len(values),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10},
            text=[html.escape(str(utterance)) for utterance in values.index],
            hovertemplate=f"{row}<br>%{{text}}: %{{x:.{decimals}f}}<extra></extra>",
            meta=paint(look, alpha=0.35),
        )
        if not estimate.n:
            continue
        span = interval(estimate.low, estimate.high, decimals) if estimate.has_interval else "no interval"
        told = f"{row}<br>mean {number(estimate.mean, decimals)} ({span})<br>n = {estimate.n}"
        figure.scatter(
            x=[estimate.mean],
            y=[row],
            mode="markers",
            marker={"symbol": look.symbol, "size": 10},
            error_x=whiskers(estimate.mean, estimate.low, estimate.high, estimate.has_interval),
            hovertemplate=f"{told}<extra></extra>",
            meta=paint(look),
        )
    ceiling = comparison.ceiling(metric)
    if ceiling:
        line = {"width": 1, "dash": "dot"}
        figure.shape("rule", type="line", x0=ceiling.mean, x1=ceiling.mean, y0=0, y1=1, yref="paper", line=line)
    aim = f"; dotted: ceiling {number(ceiling.mean, decimals)}" if ceiling else metric.aim
    figure.axis("xaxis", (f"({metric.unit})" if ceiling else metric.axis_title) + aim, fixedrange=True, nticks=6)
    return figure

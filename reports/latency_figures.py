"""Plots of waiting: chunk latency against position, where the time goes, and quality against latency."""

from __future__ import annotations

import html
import math

from reports.comparison import SAMPLE_RATE, Comparison, MetricColumn
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import decimals_for, number
from reports.latency_bands import shade
from reports.timing import PARTS, time_split, wait_for_sound

MOST_POINTS = 300  # single chunks drawn for a system, evenly thinned; the median line is of all of them
TICKS = [0.01, 0.02, 0.05, 0.1, 0.3, 0.6, 1, 2, 4, 8, 15, 30, 60, 120, 300]  # s that an axis of waits names
ALPHAS = (1.0, 0.55, 0.25)  # DiT, vocoder and rest as tints of the system's colour


def chunk_latency_figure(comparison: Comparison) -> Figure:
    """Compute time of each chunk against its position.

    The line is the median over utterances of chunks of full size: the last chunk is a remainder and takes less.
    """
    figure = Figure(400)
    figure.legend_below()
    for system in comparison.systems:
        if not comparison.streams(system):
            continue
        rows = comparison.traces[comparison.traces["system"] == system]
        look, name = comparison.appearance[system], html.escape(system)
        step = max(1, math.ceil(len(rows) / MOST_POINTS))
        some = rows.iloc[::step]
        figure.scatter(
            x=(some["start_sample"] / SAMPLE_RATE).round(3).tolist(),
            y=(some["compute_s"] * 1000).round(2).tolist(),
            mode="markers",
            marker={"size": 4, "symbol": look.symbol},
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
            meta=paint(look, alpha=0.3),
        )
        usual = rows[rows["samples"] == rows.groupby(["utterance", "seed"])["samples"].transform("max")]
        middle = usual.groupby("index")[["start_sample", "compute_s"]].median()
        figure.scatter(
            x=(middle["start_sample"] / SAMPLE_RATE).round(3).tolist(),
            y=(middle["compute_s"] * 1000).round(2).tolist(),
            mode="lines+markers",
            line={"width": 2},
            marker={"size": 6, "symbol": look.symbol},
            name=name,
            legendgroup=name,
            hovertemplate=f"{name}<br>at %{{x:.2f}} s: %{{y:.0f}} ms<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", "position of the chunk in the utterance (s)", rangemode="tozero")
    figure.axis("yaxis", "compute time of the chunk (ms)", rangemode="tozero")
    return figure


def time_split_figure(comparison: Comparison) -> Figure:
    """Stacked bars: seconds of compute for a second of audio, DiT, vocoder and rest as tints of one colour."""
    systems = [system for system in comparison.systems if time_split(comparison, system)]
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(comparison.systems), barmode="stack", bargap=0.35)
    figure.system_rows(comparison.systems)
    for (_, part), alpha in zip(PARTS, ALPHAS, strict=True):
        figure.bars(
            x=[round(time_split(comparison, system)[part], 5) for system in systems],
            y=[html.escape(system) for system in systems],
            orientation="h",
            hovertemplate=f"%{{y}}<br>{part}: %{{x:.3f}} s<extra></extra>",
            meta={"role": "systems", "slots": [comparison.appearance[s].slot for s in systems], "alpha": alpha},
        )
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=1, x1=1, y0=0, y1=1, yref="paper", line=line, layer="below")
    figure.axis("xaxis", "compute for 1 s of audio (s)", rangemode="tozero", fixedrange=True)
    return figure


def quality_latency_figure(comparison: Comparison, metric: MetricColumn) -> Figure:
    """Each system where its wait for sound and its mean score put it, with the score's interval.

    The line is the Pareto frontier of the decoders: no other one is both quicker and better. Controls, which need the
    recording, are left out of it, and there is none for a metric without better or worse. Empty where nothing was timed.
    """
    figure = Figure(400)
    figure.legend_below()
    estimates = {system: comparison.estimate(system, metric) for system in comparison.systems}
    decimals = decimals_for(estimate.half_width for estimate in estimates.values())
    waits = {system: wait_for_sound(comparison, system) for system in comparison.systems}
    placed = [s for s in comparison.systems if estimates[s].n and math.isfinite(waits[s]) and waits[s] > 0]
    if not placed:
        return figure
    _frontier_line(figure, metric, {s: (waits[s], estimates[s].mean) for s in placed if s not in comparison.controls})
    for system in placed:
        look, name, estimate = comparison.appearance[system], html.escape(system), estimates[system]
        figure.scatter(
            x=[round(waits[system], 4)],
            y=[estimate.mean],
            mode="markers",
            name=name,
            marker={"symbol": look.symbol, "size": 12},
            error_y=whiskers(estimate.mean, estimate.low, estimate.high, estimate.has_interval),
            hovertemplate=f"{name}<br>{number(estimate.mean, decimals)} after %{{x:.2f}} s<extra></extra>",
            meta=paint(look),
        )
    low, high = min(waits[s] for s in placed) / 1.4, max(waits[s] for s in placed) * 1.4
    shade(figure, high)
    figure.axis(
        "xaxis",
        "wait for the first sound (s)",
        type="log",
        range=[round(math.log10(low), 4), round(math.log10(high), 4)],
        tickvals=[tick for tick in TICKS if low <= tick <= high],
        ticktext=[f"{tick:g}" for tick in TICKS if low <= tick <= high],
    )
    figure.axis("yaxis", metric.axis_title + metric.aim)
    return figure


def frontier(points: dict[str, tuple[float, float]], direction: str) -> list[str]:
    """The systems that no other one beats in both: (wait, score) by system to names, by wait.

    Args:
        points: wait in s, lower is better; score.
        direction: ``higher`` or ``lower``, which way the score is better.
    """
    sign = 1 if direction == "higher" else -1
    best, kept = -math.inf, []
    for system, (_, score) in sorted(points.items(), key=lambda item: (item[1][0], -sign * item[1][1])):
        if sign * score > best:
            best = sign * score
            kept.append(system)
    return kept


def _frontier_line(figure: Figure, metric: MetricColumn, points: dict[str, tuple[float, float]]) -> None:
    if not metric.direction or len(points) < 2:
        return
    corners = [points[system] for system in frontier(points, metric.direction)]
    # the score that can be had for a wait stays what it is until the next system can be waited for
    end = max(wait for wait, _ in points.values())
    steps = [*corners, (end, corners[-1][1])] if end > corners[-1][0] else corners
    figure.scatter(
        x=[round(wait, 4) for wait, _ in steps],
        y=[score for _, score in steps],
        mode="lines",
        name="frontier",
        line={"width": 2, "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
        meta=paint(role="reference"),
    )

"""Plots of waiting: chunk latency against position, where the time goes, and quality against latency."""

from __future__ import annotations

import html
import math

from reports.comparison import SAMPLE_RATE, Comparison, MetricColumn
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import decimals_for, number
from reports.timing import PARTS, time_split, wait_for_sound

MOST_POINTS = 300  # single chunks drawn for a system, evenly thinned; the median line is of all of them
WAITS = [step * 10**decade for decade in range(4) for step in (1, 1.5, 2, 3, 5, 7)]  # 0.01 s that an axis names
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
    """Each system where its wait for sound and its mean score put it, with the score's interval."""
    figure = Figure(400)
    figure.legend_below()
    estimates = {system: comparison.estimate(system, metric) for system in comparison.systems}
    decimals = decimals_for(estimate.half_width for estimate in estimates.values())
    for system, estimate in estimates.items():
        wait = wait_for_sound(comparison, system)
        if not estimate.n or not math.isfinite(wait):
            continue
        look, name = comparison.appearance[system], html.escape(system)
        figure.scatter(
            x=[round(wait, 4)],
            y=[estimate.mean],
            mode="markers",
            name=name,
            marker={"symbol": look.symbol, "size": 12},
            error_y=whiskers(estimate.mean, estimate.low, estimate.high, estimate.has_interval),
            hovertemplate=f"{name}<br>{number(estimate.mean, decimals)} after %{{x:.2f}} s<extra></extra>",
            meta=paint(look),
        )
    figure.axis(
        "xaxis",
        "wait for the first sound (s): algorithmic + first-packet latency",
        type="log",
        tickvals=[hundredths / 100 for hundredths in WAITS],
        ticktext=[f"{hundredths / 100:g}" for hundredths in WAITS],
    )
    figure.axis("yaxis", metric.axis_title + metric.aim)
    return figure

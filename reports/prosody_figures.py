"""Plots of prosody: each system's contour over the reference's with the seams marked, and the jumps at the seams."""

from __future__ import annotations

import html
import math

import numpy as np

from harness.metrics.f0 import FRAME_MS
from harness.prosody import contour_cents_apart
from harness.run import RunError
from reports.colours import Appearance
from reports.comparison import SAMPLE_RATE, Comparison
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import count, interval, number
from reports.prosody import Contour, contour_of
from reports.prosody_table import Jumps
from reports.selection import spread_over_speakers

HEIGHT = 270  # px
APART_TOP, CONTOUR_FOOT = 0.36, 0.44  # of the plot's height: cents apart below, the contours above
MOST_APART = 150  # cents that the lower axis shows; beyond it a point stands at the edge
MOST_LINES = 40  # of seams across a plot: more would be a fence before it, and the triangles say enough
TICKS = [60, 80, 100, 150, 200, 300, 400, 500]  # Hz


def contour_panels(comparison: Comparison, most: int = 4) -> dict[str, list[dict]]:
    """For at most ``most`` utterances, by id: one ``{"system", "slot", "figure"}`` for each system that has audio."""
    found: dict[str, list[dict]] = {}
    for utterance in spread_over_speakers(comparison.utterances, most):
        panels = _panels(comparison, utterance["utterance_id"])
        if panels:
            found[utterance["utterance_id"]] = panels
    return found


def _panels(comparison: Comparison, utterance: str) -> list[dict]:
    try:
        reference = contour_of(comparison.run.reference(utterance), SAMPLE_RATE)
    except (RunError, OSError, RuntimeError):  # soundfile's errors are RuntimeErrors
        return []
    panels = []
    for system in comparison.systems:
        try:
            contour = contour_of(comparison.run.audio(system, utterance), SAMPLE_RATE)
        except (RunError, OSError, RuntimeError):
            continue
        look = comparison.appearance[system]
        seams = comparison.seams_of.get((system, utterance), [])
        panels.append({"system": system, "slot": look.slot, "figure": contour_figure(contour, reference, seams, look)})
    return panels


def contour_figure(contour: Contour, reference: Contour, seams: list[int], look: Appearance) -> Figure:
    """Above, a contour over the reference's (Hz, logarithmic); below, how many cents it lies apart."""
    figure = Figure(HEIGHT, margin={"l": 52, "r": 8, "t": 4, "b": 40})
    low, high = f0_span(reference)
    _seams(figure, seams, top=high * 2 ** (1 / 24))
    _line(figure, _voiced(reference.hertz), "reference, %{y:.0f} Hz", paint(role="reference"), 4, "y2")
    _line(figure, _voiced(contour.hertz), "%{y:.0f} Hz", paint(look), 2, "y2")
    apart = contour_cents_apart(contour.hertz, reference.hertz)
    shown = [None if math.isnan(cents) else round(float(np.clip(cents, -MOST_APART, MOST_APART)), 1) for cents in apart]
    _line(figure, shown, "%{y:+.0f} cents", paint(look), 1.5, "y")
    figure.shape("rule", type="line", x0=0, x1=1, xref="paper", y0=0, y1=0, yref="y", line={"width": 1, "dash": "dot"})
    duration = max(len(contour.hertz), len(reference.hertz)) * FRAME_MS / 1000
    still = {"fixedrange": True, "automargin": False}
    figure.axis("xaxis", "time (s)", anchor="y", range=[0, round(duration, 3)], zeroline=False)
    room = 1.06 * MOST_APART
    figure.axis("yaxis", "cents apart", domain=[0, APART_TOP], range=[-room, room], tickvals=[-100, 0, 100], **still)
    figure.axis(
        "yaxis2",
        "F0 (Hz)",
        anchor="x",
        domain=[CONTOUR_FOOT, 1],
        type="log",
        range=[round(math.log10(low), 4), round(math.log10(high) + math.log10(2) / 12, 4)],
        tickvals=TICKS,
        **still,
    )
    return figure


def f0_span(contour: Contour) -> tuple[float, float]:
    """What to show of the F0 axis, Hz: the range of the reference but for its outliers, a third of an octave around."""
    voiced = contour.hertz[contour.hertz > 0]
    if not len(voiced):
        return 60.0, 400.0
    low, high = np.percentile(voiced, (2, 98))
    return float(low) / 2 ** (1 / 3), float(high) * 2 ** (1 / 3)


def _voiced(hertz: np.ndarray) -> list[float | None]:
    return [round(float(value), 1) if value > 0 else None for value in hertz]


def _line(figure: Figure, values: list[float | None], told: str, meta: dict, width: float, axis: str) -> None:
    figure.scatter(
        x0=0,
        dx=FRAME_MS / 1000,
        y=values,
        mode="lines",
        connectgaps=False,
        line={"width": width},
        hovertemplate=f"{told} at %{{x:.2f}} s<extra></extra>",
        meta=meta,
        xaxis="x",
        yaxis=axis,
    )


def _seams(figure: Figure, seams: list[int], top: float) -> None:
    """A triangle over each seam, and a hair line through both plots where they are not too many."""
    at = [round(seam / SAMPLE_RATE, 4) for seam in seams]
    figure.scatter(
        x=at,
        y=[round(top, 1)] * len(at),
        mode="markers",
        marker={"symbol": "triangle-down", "size": 7},
        hovertemplate="seam at %{x:.3f} s<extra></extra>",
        meta=paint(role="seam"),
        xaxis="x",
        yaxis="y2",
    )
    for seam in at if len(at) <= MOST_LINES else []:
        line = {"width": 1, "dash": "dot"}
        figure.shape("seam", type="line", x0=seam, x1=seam, y0=0, y1=0.95, xref="x", yref="paper", line=line)


def jump_figure(comparison: Comparison, found: list[Jumps]) -> Figure:
    """Rows of systems: F0 jump at the seams with its interval, each utterance pale, the recording's in grey."""
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(found))
    figure.system_rows([jumps.system for jumps in found])
    for jumps in found:
        look, row = comparison.appearance[jumps.system], html.escape(jumps.system)
        figure.scatter(
            x=[round(float(value), 2) for value in jumps.by_utterance],
            y=[row] * len(jumps.by_utterance),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10},
            text=[html.escape(str(utterance)) for utterance in jumps.by_utterance.index],
            hovertemplate=f"{row}<br>%{{text}}: %{{x:.1f}} cents<extra></extra>",
            meta=paint(look, alpha=0.35),
        )
        places = (
            (jumps.reference, "recording, same places", "line-ns-open", 14, paint(look, role="reference")),
            (jumps.between, "between seams", f"{look.symbol}-open", 9, paint(look)),
            (jumps.here, "at seams", look.symbol, 10, paint(look)),
        )
        for estimate, place, symbol, size, meta in places:
            span = interval(estimate.low, estimate.high, 1) if estimate.has_interval else "no interval"
            told = f"{row}<br>{place}: {number(estimate.mean, 1)} cents ({span})<br>{count(jumps.seams, 'seam')}"
            bars = whiskers(estimate.mean, estimate.low, estimate.high, estimate.has_interval and place == "at seams")
            figure.scatter(
                x=[round(estimate.mean, 3)],
                y=[row],
                mode="markers",
                marker={"symbol": symbol, "size": size, "line": {"width": 2}},
                error_x=bars,
                hovertemplate=f"{told}<extra></extra>",
                meta=meta,
            )
    figure.axis("xaxis", "size of the F0 jump (cents), lower is better", rangemode="tozero", fixedrange=True)
    return figure

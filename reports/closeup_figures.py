"""Close-ups of a few utterances: each system's spectrogram over its F0 contour, the seams marked in both."""

from __future__ import annotations

import html
import math

import numpy as np

from harness.run import RunError
from reports.colours import Appearance
from reports.comparison import SAMPLE_RATE, Comparison
from reports.figures import Figure, paint
from reports.prosody import Contour, contour_of
from reports.selection import spread_over_speakers
from reports.spectrogram import power_db, spectrogram_uri

MOST_LINES = 12  # of seams across a spectrogram; more would be a fence before it, and the triangles say enough
HEIGHT = 330  # px
CONTOUR_TOP, PICTURE_FOOT = 0.40, 0.44  # of the plot's height: where the contour ends and the picture begins
REFERENCE = "reference"


def closeups(comparison: Comparison, most: int = 4) -> dict[str, list[dict]]:
    """For at most ``most`` utterances, by id: one ``{"system", "slot", "figure"}`` for the reference and each system."""
    found: dict[str, list[dict]] = {}
    for utterance in spread_over_speakers(comparison.utterances, most):
        panels = _panels(comparison, utterance["utterance_id"])
        if panels:
            found[utterance["utterance_id"]] = panels
    return found


def _panels(comparison: Comparison, utterance: str) -> list[dict]:
    try:
        reference = comparison.run.reference(utterance)
    except (RunError, OSError, RuntimeError):
        return []
    loudest = float(power_db(reference, SAMPLE_RATE).max())
    target = contour_of(reference, SAMPLE_RATE)
    span = _f0_range(target)
    panels = [{"system": REFERENCE, "slot": None, "figure": _closeup(reference, loudest, target, None, [], None, span)}]
    for system in comparison.systems:
        if utterance not in comparison.decoded(system):
            continue
        try:
            samples = comparison.run.audio(system, utterance)
        except (RunError, OSError, RuntimeError):
            continue
        look = comparison.appearance[system]
        seams = comparison.seams_of.get((system, utterance), [])
        contour = contour_of(samples, SAMPLE_RATE)
        figure = _closeup(samples, loudest, contour, target, seams, look, span)
        panels.append({"system": system, "slot": look.slot, "figure": figure})
    return panels


def _closeup(
    samples: np.ndarray,
    loudest_db: float,
    contour: Contour,
    target: Contour | None,
    seams: list[int],
    look: Appearance | None,
    span: tuple[float, float],
) -> Figure:
    duration, top = len(samples) / SAMPLE_RATE, SAMPLE_RATE / 2000
    figure = Figure(HEIGHT, margin={"l": 52, "r": 8, "t": 4, "b": 40})
    picture = spectrogram_uri(samples, SAMPLE_RATE, loudest_db)
    place = {"xref": "x", "yref": "y", "x": 0, "y": top, "sizex": duration, "sizey": top}
    figure.layout["images"].append({"source": picture, "sizing": "stretch", "layer": "below", **place})
    at = [round(seam / SAMPLE_RATE, 4) for seam in seams]
    figure.scatter(
        x=at,
        y=[top * 1.06] * len(at),
        mode="markers",
        marker={"symbol": "triangle-down", "size": 7},
        hovertemplate="seam at %{x:.3f} s<extra></extra>",
        meta=paint(role="seam"),
    )
    lines = [("seam", 0, CONTOUR_TOP), ("over", PICTURE_FOOT, 0.95)][: 2 if len(at) <= MOST_LINES else 1]
    for seam in at:  # a hair line only: a bold one would hide what the seam did
        line = {"width": 1, "dash": "dot"}
        for name, low, high in lines:
            figure.shape(name, type="line", x0=seam, x1=seam, y0=low, y1=high, xref="x", yref="paper", line=line)
    if target is not None:
        _add_contour(figure, target, REFERENCE, paint(role="reference"), 4)
    _add_contour(figure, contour, "F0", paint(look) if look else paint(role="reference"), 2)
    still = {"fixedrange": True, "automargin": False}
    hidden = {"showgrid": False, "zeroline": False}  # grid lines would lie over the picture
    across = {"anchor": "y2", "range": [0, round(duration, 3)]}
    figure.axis("xaxis", "time (s)", **across, showgrid=False, zeroline=False)
    figure.axis("yaxis", "frequency (kHz)", domain=[PICTURE_FOOT, 1], range=[0, top * 1.12], dtick=2, **hidden, **still)
    figure.axis(
        "yaxis2",
        "F0 (Hz)",
        domain=[0, CONTOUR_TOP],
        type="log",
        range=[round(math.log10(hertz), 4) for hertz in span],
        tickvals=[60, 80, 100, 150, 200, 300, 400, 500],
        **still,
    )
    return figure


def _add_contour(figure: Figure, contour: Contour, name: str, meta: dict, width: float) -> None:
    figure.scatter(
        x=contour.times.round(4).tolist(),
        y=[None if not value > 0 else round(float(value), 1) for value in contour.hertz],
        mode="lines",
        connectgaps=False,
        line={"width": width},
        hovertemplate=f"{html.escape(name)} %{{y:.0f}} Hz at %{{x:.2f}} s<extra></extra>",
        meta=meta,
        xaxis="x",
        yaxis="y2",
    )


def _f0_range(contour: Contour) -> tuple[float, float]:
    """What to show of the F0 axis, Hz: the reference's range but for its outliers, a third of an octave around it."""
    voiced = contour.hertz[contour.hertz > 0]
    if not len(voiced):
        return 60.0, 400.0
    low, high = np.percentile(voiced, (2, 98))
    return float(low) / 2 ** (1 / 3), float(high) * 2 ** (1 / 3)

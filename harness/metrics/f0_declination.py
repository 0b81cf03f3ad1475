"""Declination against the reference's: how much less, or more, F0 falls in the course of the utterance."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.alignment import IDENTITY as ALIGNMENT
from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import FRAME_MS, PACKAGES, Tracker, f0_of_each, few_voiced, parameters

STEP_FRAMES = 20  # 100 ms, of which the median is taken: a stray octave error does not get through it
MOST_STEPS = 2000  # a line is fitted to; with more, steps get longer, since the fit looks at every pair
SHORTEST_S = 0.5  # from the first step to the last; over less, a slope is that of one accent


def f0_slope(hertz: np.ndarray) -> float:
    """Slope of a contour in semitones/s: Theil-Sen line (Sen, JASA 63, 1968) through the medians of 100 ms of log-F0.

    Args:
        hertz: float64 ``[f]`` every 5 ms, NaN where unvoiced.

    Returns:
        NaN where the voiced part spans less than half a second.
    """
    from scipy.stats import theilslopes

    voiced = np.flatnonzero(np.isfinite(hertz))
    frames = max(STEP_FRAMES, -(-len(hertz) // MOST_STEPS))
    parts = np.split(voiced, np.flatnonzero(np.diff(voiced // frames)) + 1)
    times = np.array([part.mean() for part in parts]) * FRAME_MS / 1000
    if len(voiced) == 0 or np.ptp(times) < SHORTEST_S:
        return float("nan")
    return float(theilslopes([np.median(12 * np.log2(hertz[part])) for part in parts], times).slope)


def f0_declination(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Slope of the rendering minus slope of the reference; positive where the rendering falls less."""
    slopes = []
    for name, hertz in zip(("rendering", "reference"), f0_of_each(pair, tracker), strict=True):
        if why := few_voiced(name, hertz):
            return Unscored(why)
        slopes.append(f0_slope(hertz))
        if np.isnan(slopes[-1]):
            return Unscored(f"the voiced part of the {name} spans less than {SHORTEST_S:g} s: too little for a slope")
    return slopes[0] - slopes[1]


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_declination",
        unit="semitones/s",
        direction="",
        source="slope of the declination line, 't Hart, Collier and Cohen, A Perceptual Study of Intonation, 1990; F0 by WORLD",
        function=partial(f0_declination, tracker=tracker),
        parameters=parameters(tracker, "theil-sen", "100ms-medians", "aligned-where-lengths-allow", ALIGNMENT),
        packages=PACKAGES,
        standard=True,
        any_length=True,
    )


METRIC = make()

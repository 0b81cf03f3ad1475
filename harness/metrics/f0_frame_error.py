"""F0 frame error: frames with a wrong voicing decision or a gross pitch error, in one number."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, Tracker, f0_pair, is_gross, parameters


def f0_frame_error(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Percent of all frames that differ in voicing, or are voiced in both with F0 off by more than 20 % (FFE)."""
    degraded, reference = f0_pair(pair, tracker)
    voiced = np.isfinite(reference)
    if not voiced.any():
        return Unscored("no frame of the reference is voiced")
    wrong = np.isfinite(degraded) != voiced
    wrong |= is_gross(1200 * np.log2(degraded / reference))  # NaN, where either is unvoiced, is not gross
    return 100 * float(np.mean(wrong))


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_frame_error",
        unit="%",
        direction="lower",
        source="FFE, Chu and Alwan, ICASSP 2009; F0 by WORLD",
        function=partial(f0_frame_error, tracker=tracker),
        parameters=parameters(tracker, "beyond-20%"),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

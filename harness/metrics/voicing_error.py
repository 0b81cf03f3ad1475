"""Voicing decision error: how often one signal is voiced where the other is not."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, Tracker, f0_pair, parameters


def voicing_error(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Percent of all frames with different voicing (VDE)."""
    degraded, reference = f0_pair(pair, tracker)
    voiced = np.isfinite(reference)
    if not voiced.any():
        return Unscored("no frame of the reference is voiced")
    return 100 * float(np.mean(np.isfinite(degraded) != voiced))


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="voicing_error",
        unit="%",
        direction="lower",
        source="VDE, Nakatani et al., Speech Communication 50(3), 2008; F0 by WORLD",
        function=partial(voicing_error, tracker=tracker),
        parameters=parameters(tracker),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

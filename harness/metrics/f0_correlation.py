"""Correlation of log-F0: whether the melody moves alike, whatever its level and its range."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import FLAT_CENTS, PACKAGES, Tracker, f0_range, mutually_voiced, parameters


def f0_correlation(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Pearson's correlation of log-F0 over all mutually voiced frames, gross errors included."""
    voiced = mutually_voiced(pair, tracker)
    if isinstance(voiced, Unscored):
        return voiced
    for name, hertz in zip(("rendering", "reference"), voiced, strict=True):
        if (spread := f0_range(hertz)) < FLAT_CENTS:
            return Unscored(f"F0 of the {name} ranges over {spread:.2g} cents: there is no melody to correlate")
    return float(np.corrcoef(np.log2(voiced))[0, 1])


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_correlation",
        unit="",
        direction="higher",
        source="log-F0 correlation, Hermes, JSLHR 41(1), 1998, unweighted; F0 by WORLD",
        function=partial(f0_correlation, tracker=tracker),
        parameters=parameters(tracker, "log", "mutually-voiced"),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

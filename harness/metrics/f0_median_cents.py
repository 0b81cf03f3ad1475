"""Median absolute F0 error in cents: intonation without the tracker's octave errors."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import FEWEST_FRAMES, PACKAGES, Tracker, cents_apart, is_gross, parameters


def f0_median_cents(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Median of |cents| over mutually voiced frames whose F0 is within 20 % of the reference's."""
    cents = cents_apart(pair, tracker)
    if isinstance(cents, Unscored):
        return cents
    fine = np.abs(cents[~is_gross(cents)])
    if len(fine) < FEWEST_FRAMES:
        return Unscored(f"{len(cents) - len(fine)} of {len(cents)} mutually voiced frames are off by more than 20 %")
    return float(np.median(fine))


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_median_cents",
        unit="cents",
        direction="lower",
        source="fine pitch error as in Chu and Alwan, ICASSP 2009, median; F0 by WORLD",
        function=partial(f0_median_cents, tracker=tracker),
        parameters=parameters(tracker, "mutually-voiced", "within-20%"),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

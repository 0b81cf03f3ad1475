"""Median absolute F0 error in cents: intonation without the tracker's octave errors."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import FEWEST_FRAMES, GROSS, PACKAGES, PARAMETERS, cents_apart


def f0_median_cents(pair: Pair) -> float | Unscored:
    """Median of |cents| over mutually voiced frames whose F0 is within 20 % of the reference's."""
    cents = cents_apart(pair)
    if isinstance(cents, Unscored):
        return cents
    fine = np.abs(cents[np.abs(2 ** (cents / 1200) - 1) <= GROSS])
    if len(fine) < FEWEST_FRAMES:
        return Unscored(f"{len(cents) - len(fine)} of {len(cents)} mutually voiced frames are off by more than 20 %")
    return float(np.median(fine))


METRIC = Metric(
    name="f0_median_cents",
    unit="cents",
    direction="lower",
    source="fine pitch error as in Chu and Alwan, ICASSP 2009, median; F0 by WORLD",
    function=f0_median_cents,
    parameters=f"{PARAMETERS},mutually-voiced,within-20%",
    packages=PACKAGES,
    standard=True,
)

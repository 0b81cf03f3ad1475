"""Gross pitch error: how often both are voiced and F0 is off by more than 20 %, which is mostly the wrong octave."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, Tracker, cents_apart, is_gross, parameters


def gross_pitch_error(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Percent of the mutually voiced frames whose F0 differs by more than 20 % of the reference's (GPE)."""
    cents = cents_apart(pair, tracker)
    return cents if isinstance(cents, Unscored) else 100 * float(np.mean(is_gross(cents)))


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="gross_pitch_error",
        unit="%",
        direction="lower",
        source="GPE, Nakatani et al., Speech Communication 50(3), 2008; F0 by WORLD",
        function=partial(gross_pitch_error, tracker=tracker),
        parameters=parameters(tracker, "mutually-voiced", "beyond-20%"),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

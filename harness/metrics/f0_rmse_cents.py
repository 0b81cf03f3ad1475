"""Log-F0 RMSE in cents: what papers print; octave errors of the tracker dominate it, so read the median first."""

from __future__ import annotations

from functools import partial

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, Tracker, cents_apart, parameters


def f0_rmse_cents(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Root mean square of the F0 difference over all mutually voiced frames, gross errors included."""
    cents = cents_apart(pair, tracker)
    return cents if isinstance(cents, Unscored) else float(np.sqrt(np.mean(cents**2)))


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_rmse_cents",
        unit="cents",
        direction="lower",
        source="log-F0 RMSE; F0 by WORLD, Morise et al., IEICE E99-D(7), 2016",
        function=partial(f0_rmse_cents, tracker=tracker),
        parameters=parameters(tracker, "mutually-voiced"),
        packages=PACKAGES,
        standard=True,
    )


METRIC = make()

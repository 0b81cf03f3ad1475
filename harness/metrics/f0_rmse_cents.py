"""Log-F0 RMSE in cents: what papers print; octave errors of the tracker dominate it, so read the median first."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, PARAMETERS, cents_apart


def f0_rmse_cents(pair: Pair) -> float | Unscored:
    """Root mean square of the F0 difference over all mutually voiced frames, gross errors included."""
    cents = cents_apart(pair)
    return cents if isinstance(cents, Unscored) else float(np.sqrt(np.mean(cents**2)))


METRIC = Metric(
    name="f0_rmse_cents",
    unit="cents",
    direction="lower",
    source="log-F0 RMSE; F0 by WORLD, Morise et al., IEICE E99-D(7), 2016",
    function=f0_rmse_cents,
    parameters=f"{PARAMETERS},mutually-voiced",
    packages=PACKAGES,
    standard=True,
)

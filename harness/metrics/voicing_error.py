"""Voicing decision error: how often one signal is voiced where the other is not."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import PACKAGES, PARAMETERS, f0_pair


def voicing_error(pair: Pair) -> float | Unscored:
    """Percent of all frames with different voicing (VDE)."""
    degraded, reference = f0_pair(pair)
    voiced = np.isfinite(reference)
    if not voiced.any():
        return Unscored("no frame of the reference is voiced")
    return 100 * float(np.mean(np.isfinite(degraded) != voiced))


METRIC = Metric(
    name="voicing_error",
    unit="%",
    direction="lower",
    source="VDE, Nakatani et al., Speech Communication 50(3), 2008; F0 by WORLD",
    function=voicing_error,
    parameters=PARAMETERS,
    packages=PACKAGES,
    standard=True,
)

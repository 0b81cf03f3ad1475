"""F0 contours, by the same estimator that scores them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.metrics.f0 import f0_contour


@dataclass(frozen=True, slots=True)
class Contour:
    """F0 over time. ``times`` float64 ``[n]`` in s; ``hertz`` float64 ``[n]``, 0 where unvoiced."""

    times: np.ndarray
    hertz: np.ndarray


def contour_of(samples: np.ndarray, sample_rate: int) -> Contour:
    """The contour of float ``[n]``; empty where the estimator refuses the signal."""
    times, hertz = f0_contour(samples, sample_rate)
    return Contour(np.asarray(times, np.float64), np.nan_to_num(np.asarray(hertz, np.float64)))

"""Means and paired differences with their intervals, as harness.statistics gives them; ``n`` kept beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness import statistics


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over ``n`` utterances; ``low`` and ``high`` are NaN when too few were had for an interval."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2 if self.has_interval else math.nan

    @property
    def excludes_zero(self) -> bool:
        return self.has_interval and (self.low > 0 or self.high < 0)


def mean(values: Sequence[float], clusters: Sequence[str] | None = None) -> Estimate:
    """Mean of ``values`` (NaN left out) with a 95 % interval, cluster-robust where ``clusters`` are given."""
    return _estimate(np.asarray(values, np.float64), clusters)


def paired(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[str] | None = None, trim: float = 0.0
) -> Estimate:
    """Mean of ``a - b``, value by value, with its interval; with ``trim`` (``statistics.trim_of``) the trimmed mean."""
    return _estimate(np.asarray(a, np.float64) - np.asarray(b, np.float64), clusters, trim)


def _estimate(values: np.ndarray, clusters: Sequence[str] | None, trim: float = 0.0) -> Estimate:
    n = int((~np.isnan(values)).sum())
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    centre, low, high = statistics.locate(values, clusters, trim).interval()
    return Estimate(centre, math.nan if low is None else low, math.nan if high is None else high, n)

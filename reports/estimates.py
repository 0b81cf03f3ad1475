"""Means and paired differences with their intervals, as harness.statistics gives them; ``n`` kept beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    """Mean of ``values`` with a 95 % interval, cluster-robust where ``clusters`` are given."""
    values = np.asarray(values, np.float64)
    return _estimate(values, lambda: statistics.mean_interval(values, clusters))


def paired(a: Sequence[float], b: Sequence[float], clusters: Sequence[str] | None = None) -> Estimate:
    """Mean of ``a − b``, value by value, with its interval."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return _estimate(a - b, lambda: statistics.paired_difference(a, b, clusters))


def _estimate(values: np.ndarray, interval: Callable) -> Estimate:
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan, 0)
    alone = Estimate(float(values.mean()), math.nan, math.nan, len(values))
    if len(values) < 2:
        return alone
    result = interval()
    if result is None:
        return alone
    centre, low, high = result
    if low is None or high is None:
        return alone
    return Estimate(float(centre), float(low), float(high), len(values))

"""Many tests at once: Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .samples import StatisticsError


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's step-down correction, which holds the family-wise error whatever the dependence.

    Holm, Scandinavian Journal of Statistics 6, 1979.

    Args:
        p_values: ``[n]``; NaN stands for a test that could not be made, stays NaN and does not count.

    Returns:
        float64 ``[n]``, adjusted, at most 1: reject where this is at most alpha.

    Raises:
        StatisticsError: a value outside 0..1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    if ((p[made] < 0) | (p[made] > 1)).any():
        raise StatisticsError("p values must lie between 0 and 1")
    order = made[np.argsort(p[made], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1.0)
    return adjusted

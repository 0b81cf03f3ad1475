"""Differences that are all the same, as those of a system from itself: there the signs alone can be tested."""

from __future__ import annotations

import numpy as np

from .location import Alternative
from .samples import Sample


def sign_p(sample: Sample, null: float = 0.0, alternative: Alternative = "two-sided") -> float:
    """Sign test for values that are all the same; NaN for any others, whose spread must be had some other way.

    With all ``n`` values on one side of ``null`` the chance is ``2 ** -n``, which needs no spread. Values that do not
    differ cannot be alike within speakers in particular, so that utterances are counted, not clusters. Values that are
    all ``null`` say nothing against it: 1.
    """
    if np.ptp(sample.values) > 1e-12 * max(1.0, abs(sample.values[0])):
        return float("nan")
    away = sample.values[0] - null
    if away == 0:
        return 1.0
    one = 0.5**sample.n
    if alternative == "two-sided":
        return min(1.0, 2 * one)
    return one if (away > 0) == (alternative == "greater") else 1.0

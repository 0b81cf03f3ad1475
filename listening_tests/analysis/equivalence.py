"""Equivalence: that two systems differ by less than a margin (two one-sided tests)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas

from harness.statistics import tost_p
from listening_tests.errors import StudyError

from .crossed_bootstrap import difference
from .estimate import Estimate


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Result of :func:`equivalence`.

    Attributes:
        estimate: the difference with the interval of level ``1 - 2 alpha`` that decides.
        margin: in points of the scale.
        p_value: the larger of the two one-sided p values; NaN where there is no spread.
        equivalent: the interval lies within the margin.
        verdict: ``equivalent``; ``different`` (beyond 0, and not shown to be within the margin); ``inconclusive``.
    """

    estimate: Estimate
    margin: float
    p_value: float
    equivalent: bool
    verdict: str


def equivalence(
    frame: pandas.DataFrame, a: str, b: str, margin: float, *, alpha: float = 0.05, **options: Any
) -> Equivalence:
    """Two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987).

    That no difference was found does not show that there is none: this shows it, for a margin chosen before the data.

    Args:
        margin: largest difference, in points of the scale, that does not matter; above 0.
        alpha: chance of saying equivalent where the difference is the margin.
        options: ``claim``, ``method`` and so on of :func:`crossed_bootstrap.difference`.

    Raises:
        StudyError: a margin or alpha that cannot be, or a system without ratings.
    """
    if not 0 < alpha < 0.5:
        raise StudyError(f"alpha {alpha} must lie between 0 and 0.5, such as 0.05")
    return within_margin(difference(frame, a, b, level=1 - 2 * alpha, **options), margin, alpha=alpha)


def within_margin(estimate: Estimate, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """The tests for an estimate of level ``1 - 2 alpha`` that is 0 where systems are alike, such as a CMOS.

    Raises:
        StudyError: a margin that cannot be.
    """
    if not margin > 0 or not np.isfinite(margin):
        raise StudyError(f"margin {margin} must be above 0, in points of the rating scale, such as 0.2")
    if not estimate.has_interval:
        return Equivalence(estimate, margin, np.nan, False, "inconclusive")
    p_value = tost_p(estimate.mean, estimate.se, estimate.freedom, margin)
    within = -margin < estimate.low and estimate.high < margin
    if within:
        verdict = "equivalent"
    else:
        verdict = "different" if estimate.p_value < alpha else "inconclusive"
    return Equivalence(estimate, margin, p_value, within, verdict)

"""Equivalence: that a difference is smaller than a margin, by two one-sided tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .location import locate_sample
from .samples import Clusters, StatisticsError, Values, read_sample
from .spreadless import sign_p


@dataclass(frozen=True, slots=True)
class Tost:
    """Result of :func:`tost`.

    Attributes:
        estimate: mean or trimmed mean of the differences.
        low, high: the interval of level ``2 * level - 1`` that decides (90 % at a level of 0.95); None without spread.
        margin: as given.
        p: the larger of the two one-sided ones; NaN where no test could be made.
        equivalent: whether the interval lies within the margin.
    """

    estimate: float
    low: float | None
    high: float | None
    margin: float
    p: float
    equivalent: bool


def tost(differences: Values, margin: float, clusters: Clusters = None, level: float = 0.95, trim: float = 0.0) -> Tost:
    """Two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987).

    That no difference was found does not show that there is none: this shows it, for a margin chosen before the data.

    Args:
        differences: ``[n]``, paired; NaN is left out.
        margin: largest difference that does not matter, in their unit.
        clusters: ``[n]``, or None.
        level: 1 minus the chance of saying equivalent where the difference is the margin; above 0.5.
        trim: share cut at each end; 0 for the mean.

    Raises:
        StatisticsError: a margin or level that cannot be, and as :func:`mean_interval`.
    """
    check_margin(margin)
    if not 0.5 < level < 1:
        raise StatisticsError(f"level {level} must lie between 0.5 and 1, such as 0.95")
    sample = read_sample(differences, clusters)
    location = locate_sample(sample, trim)
    estimate, low, high = location.interval(2 * level - 1)
    p = tost_p(estimate, location.se, location.freedom, margin)
    if np.isnan(p):
        p = max(sign_p(sample, -margin, "greater"), sign_p(sample, margin, "less"))
    return Tost(estimate, low, high, margin, p, bool(p < 1 - level))


def tost_p(estimate: float, se: float, freedom: float, margin: float) -> float:
    """The larger of the p values that the true value is ``-margin`` or below, and ``margin`` or above.

    Args:
        estimate: a difference. se: its standard error. freedom: of Student's t. margin: in the unit of both.

    Returns:
        NaN where ``se`` is NaN or 0.
    """
    if not se > 0:
        return float("nan")
    return float(special.stdtr(freedom, -(margin - abs(estimate)) / se))


def check_margin(margin: float) -> None:
    """Refuse a margin that is not above 0.

    Raises:
        StatisticsError: with an example.
    """
    check = np.isfinite(margin) and margin > 0
    if not check:
        raise StatisticsError(f"margin {margin} must be above 0, in the unit of the metric, such as 0.05")

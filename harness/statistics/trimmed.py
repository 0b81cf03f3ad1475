"""Trimmed means, which one utterance in fifty that goes astray does not move, and their intervals and tests."""

from __future__ import annotations

from .location import Alternative, Interval, locate
from .samples import Clusters, Values, check_share

TRIM = 0.2
"""Share cut at each end: the usual compromise between the mean and the median (Wilcox, Introduction to Robust
Estimation, 2012), and what the margins of the gate were measured with."""


def trimmed_mean(values: Values, trim: float = TRIM) -> float:
    """Mean of what is left when ``int(trim * n)`` values are cut at each end; NaN is left out.

    Raises:
        StatisticsError: no values, infinite ones, or a trim that cannot be.
    """
    return locate(values, None, trim).estimate


def yuen_interval(values: Values, clusters: Clusters = None, level: float = 0.95, trim: float = TRIM) -> Interval:
    """Trimmed mean and its t-interval, cluster-robust where clusters are given.

    For independent values it is Yuen's (Biometrika 61, 1974) for one sample, from the winsorised variance with
    ``h - 1`` degrees of freedom. The clustered form is ours: :func:`~harness.statistics.location.locate` says what it is
    and how well it covers.

    What it says: where the middle 60 % of a *skewed* population have their mean, not where the population has its own.
    A few utterances that go badly astray are invisible to it; count those with a tail gate.

    Args:
        values: ``[n]``; NaN is left out.
        clusters: ``[n]``, or None.
        level: coverage.
        trim: share cut at each end.

    Returns:
        Bounds None below two values or two clusters that keep any, and where the winsorised values are all the same.

    Raises:
        StatisticsError: as :func:`mean_interval`, and a trim that cannot be.
    """
    check_share("level", level)
    return locate(values, clusters, trim).interval(level)


def yuen_p(
    values: Values,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    clusters: Clusters = None,
    trim: float = TRIM,
) -> float:
    """P value that the trimmed mean is ``null``, the dual of :func:`yuen_interval`; NaN where there is no spread.

    Raises:
        StatisticsError: as :func:`yuen_interval`, and an unknown alternative.
    """
    return locate(values, clusters, trim).p_value(null, alternative)

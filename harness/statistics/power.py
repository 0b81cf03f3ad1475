"""What difference could have been found, and how many utterances a smaller one needs."""

from __future__ import annotations

import numpy as np

from .equivalence import check_margin
from .location import Location, locate
from .noncentral import detectable_noncentrality, power_of
from .samples import Clusters, StatisticsError, Values, check_share

MOST = 10_000_000  # utterances: beyond this the answer is "not with utterances"


def minimum_detectable_difference(
    differences: Values,
    clusters: Clusters = None,
    power: float = 0.8,
    alpha: float = 0.05,
    trim: float = 0.0,
    sides: int = 2,
) -> float:
    """The true difference that a test with data like these finds with a chance of ``power``.

    By the noncentral t with the standard error and degrees of freedom of these data, so it is itself an estimate: the
    standard error of 20 values is known to about 16 %. It does not look at the difference that was found ("observed
    power" would only say the p value again: Hoenig and Heisey, The American Statistician 55, 2001).

    Args:
        differences: ``[n]``, paired; NaN is left out.
        clusters: ``[n]``, or None.
        power: chance of finding it.
        alpha: of the test.
        trim: share cut at each end; 0 for the mean.
        sides: 2, or 1 for a test in one direction, such as of non-inferiority.

    Returns:
        In the unit of the differences; NaN where the spread cannot be estimated.

    Raises:
        StatisticsError: a power or alpha that cannot be, and as :func:`mean_interval`.
    """
    return detectable(locate(differences, clusters, trim), power, alpha, sides)


def detectable(location: Location, power: float = 0.8, alpha: float = 0.05, sides: int = 2) -> float:
    """:func:`minimum_detectable_difference` of what :func:`locate` found."""
    check_power(power, alpha, sides)
    if not location.has_spread:
        return float("nan")
    return location.se * detectable_noncentrality(location.freedom, power, alpha, sides)


def utterances_needed(
    differences: Values,
    difference: float,
    clusters: Clusters = None,
    power: float = 0.8,
    alpha: float = 0.05,
    trim: float = 0.0,
    sides: int = 2,
) -> int | None:
    """Utterances at which ``difference`` would be found with a chance of ``power``.

    Takes the spread to stay as it is and speakers to grow in step with utterances. More utterances of the *same*
    speakers help less, and where speakers differ in the effect, only up to a point.

    Args:
        differences: ``[n]``, a pilot; NaN is left out.
        difference: to be found, in their unit, above 0.
        others: as :func:`minimum_detectable_difference`.

    Returns:
        None where the spread cannot be estimated, or ten million would not do.

    Raises:
        StatisticsError: a difference, power or alpha that cannot be, and as :func:`mean_interval`.
    """
    return needed(locate(differences, clusters, trim), difference, power, alpha, sides)


def needed(
    location: Location, difference: float, power: float = 0.8, alpha: float = 0.05, sides: int = 2
) -> int | None:
    """:func:`utterances_needed` from what :func:`locate` found."""
    check_power(power, alpha, sides)
    check_margin(difference)
    if not location.has_spread:
        return None

    def enough(n: int) -> bool:
        freedom = (location.freedom + 1) * n / location.n - 1  # as many times the clusters
        if freedom < 1:
            return False
        noncentral = difference / (location.se * np.sqrt(location.n / n))
        return power_of(noncentral, freedom, alpha, sides) >= power

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def check_power(power: float, alpha: float, sides: int) -> None:
    """Refuse what is no test.

    Raises:
        StatisticsError: naming it.
    """
    check_share("power", power)
    check_share("alpha", alpha)
    if sides not in (1, 2):
        raise StatisticsError(f"a test has 1 or 2 sides, not {sides}")
    if power <= alpha:
        raise StatisticsError(f"power {power} must be above alpha {alpha}, such as 0.8")

"""How large a paired difference is: in standard deviations, and how often one is above the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .location import Location, locate_sample
from .noncentral import noncentrality
from .samples import Clusters, Sample, Values, check_share, read_sample


@dataclass(frozen=True, slots=True)
class PairedEffect:
    """Result of :func:`paired_effect`.

    Attributes:
        d_z: mean difference in standard deviations of the differences; NaN where they are all the same.
        d_z_low, d_z_high: its interval, NaN where there is none.
        superiority: probability that a difference is above 0, one of 0 counting half.
        superiority_low, superiority_high: its interval.
        n: differences. clusters: as many as differences where they are independent.
    """

    d_z: float
    d_z_low: float
    d_z_high: float
    superiority: float
    superiority_low: float
    superiority_high: float
    n: int
    clusters: int


def paired_effect(
    differences: Values, clusters: Clusters = None, level: float = 0.95, trim: float = 0.0
) -> PairedEffect:
    """Cohen's d_z and the probability of superiority of paired differences.

    d_z inverts the noncentral t (Cumming and Finch, Educational and Psychological Measurement 61, 2001); with clusters
    the t is the cluster-robust one, and the ratio of its standard error to the standard deviation is taken as known.
    With ``trim`` it is the robust d_R of Algina, Keselman and Penfield (Psychological Methods 10, 2005): trimmed mean
    over winsorised deviation, scaled so that it is d_z for normal differences.

    The probability's interval is Clopper and Pearson's at the effective number of utterances (Korn and Graubard,
    Survey Methodology 24, 1998), which never covers less than it says but for the estimate of that number. Where all
    signs agree, clusters are counted.

    Args:
        differences: ``[n]``; NaN is left out.
        clusters: ``[n]``, or None.
        level: of both intervals.
        trim: share cut at each end; 0 for the mean.

    Raises:
        StatisticsError: as :func:`mean_interval`.
    """
    check_share("level", level)
    sample = read_sample(differences, clusters)
    d = _standardised(locate_sample(sample, trim), level)
    return PairedEffect(*d, *_superiority(sample, level), sample.n, sample.clusters)


def _standardised(location: Location, level: float) -> tuple[float, float, float]:
    d = location.estimate / location.deviation
    if not location.has_spread:
        return float(d), np.nan, np.nan
    t, ratio = location.estimate / location.se, location.se / location.deviation
    low, high = (noncentrality(t, location.freedom, p) * ratio for p in (0.5 + level / 2, 0.5 - level / 2))
    return float(d), float(low), float(high)


def _superiority(sample: Sample, level: float) -> tuple[float, float, float]:
    above = np.where(sample.values > 0, 1.0, np.where(sample.values < 0, 0.0, 0.5))
    of = locate_sample(sample._replace(values=above))
    share, tail = of.estimate, (1 - level) / 2
    n = float(sample.clusters)
    if of.has_spread:
        n = share * (1 - share) / of.se**2 * sample.n / (sample.n - 1)
        n *= (special.stdtrit(sample.n - 1, 1 - tail) / special.stdtrit(of.freedom, 1 - tail)) ** 2
        n = min(n, sample.n)
    won = share * n
    low = special.betaincinv(won, n - won + 1, tail) if share > 0 else 0.0
    high = special.betaincinv(won + 1, n - won, 1 - tail) if share < 1 else 1.0
    return share, float(low), float(high)

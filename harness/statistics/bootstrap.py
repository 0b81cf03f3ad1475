"""Bootstrap over speakers: an interval that follows the skew that the data show."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from .location import Interval, Location, locate_sample
from .samples import Clusters, Sample, StatisticsError, Values, check_share, fewest, read_sample
from .trimmed import TRIM

_AT_ONCE = 4_000_000  # weights held at a time


def hierarchical_bootstrap(
    values: Values,
    clusters: Clusters = None,
    *,
    statistic: Literal["mean", "trimmed"] = "mean",
    level: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """Expanded percentile interval of a mean or 20 % trimmed mean, speakers drawn with replacement.

    A drawn speaker brings all utterances along: drawing those again as well would count their spread twice (Davison
    and Hinkley, Bootstrap Methods, 1997, section 3.8). Plain percentiles are too narrow for few clusters; the tails
    are therefore taken where Student's quantile and the CR2 standard error would put them (Hesterberg, The American
    Statistician 69, 2015). It agrees with the t-interval where values are symmetric and leans to the side of the tail
    where they are not, though not enough where one utterance in 50 falls far: there, use the trimmed mean. Simulated
    coverage of 95 % (50 utterances, ICC 0.3, 600 samples): 0.932 with 8 speakers, 0.923 with 20, 0.897 with 20 and
    such falls; trimmed 0.942, 0.958, 0.947. The t-intervals cover as well or better and cost nothing.

    Args:
        values: ``[n]``; NaN is left out.
        clusters: ``[n]``, the speaker of each; None draws the values themselves.
        statistic: ``mean`` or ``trimmed``.
        level: coverage.
        resamples: bootstrap samples.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        Bounds None below 6 clusters (at 0.95): resampled means never leave the range of the clusters' own, and all of
        five lie on one side of the truth in 6 of 100 samples. None too where the spread cannot be estimated.

    Raises:
        StatisticsError: as :func:`mean_interval`, and an unknown statistic.
    """
    check_share("level", level)
    if statistic not in ("mean", "trimmed"):
        raise StatisticsError(f"statistic {statistic!r} is not mean or trimmed")
    trim = 0.0 if statistic == "mean" else TRIM
    sample = read_sample(values, clusters)
    location = locate_sample(sample, trim)
    if not location.has_spread or sample.clusters < fewest(1 - level):
        return Interval(location.estimate, None, None)
    estimates = _resampled(sample, trim, resamples, np.random.default_rng(seed))
    tail = _expanded_tail(sample, location, trim, level)
    low, high = np.quantile(estimates, [tail, 1 - tail])
    return Interval(location.estimate, float(low), float(high))


def _expanded_tail(sample: Sample, location: Location, trim: float, level: float) -> float:
    """Share of the resampled estimates to leave out at each end."""
    cut = int(trim * sample.n)
    ordered = np.sort(sample.values)
    winsorised = np.clip(sample.values, ordered[cut], ordered[-cut - 1])
    sums = np.bincount(sample.groups, winsorised - winsorised.mean())
    plain = np.sqrt((sums**2).sum()) / (sample.n - 2 * cut)  # what the bootstrap itself takes the standard error to be
    return float(special.ndtr(-special.stdtrit(location.freedom, 0.5 + level / 2) * location.se / plain))


def _resampled(sample: Sample, trim: float, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """float64 ``[resamples]``: the estimate of each bootstrap sample."""
    order = np.argsort(sample.values, kind="stable")
    x, groups = sample.values[order], sample.groups[order]
    rows = max(1, _AT_ONCE // sample.n)
    estimates = []
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.multinomial(sample.clusters, np.full(sample.clusters, 1 / sample.clusters), size)
        weights = drawn[:, groups].astype(np.float64)
        if trim:
            weights = _inside(weights, trim)
        estimates.append(weights @ x / weights.sum(axis=1))
    return np.concatenate(estimates)


def _inside(weights: np.ndarray, trim: float) -> np.ndarray:
    """What is left of the weights ``[R, n]`` of sorted values when ``int(trim * total)`` is cut at each end."""
    total = weights.sum(axis=1, keepdims=True)
    cut = np.floor(trim * total + 1e-9)
    upto = np.clip(np.cumsum(weights, axis=1), cut, total - cut)
    return np.diff(upto, axis=1, prepend=cut)

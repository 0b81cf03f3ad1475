"""Where values lie: the mean or a trimmed mean, its standard error and degrees of freedom, with clusters or without.

Every interval, test and power calculation of this package comes from :func:`locate`, so that they never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from .samples import Clusters, Sample, StatisticsError, Values, check_share, read_sample

Alternative = Literal["two-sided", "greater", "less"]


class Interval(NamedTuple):
    """A mean and its confidence interval; ``low`` and ``high`` are None where the spread cannot be estimated."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Location:
    """A mean or trimmed mean.

    Attributes:
        estimate: in the unit of the values.
        se: its standard error, NaN where the spread cannot be estimated.
        freedom: degrees of freedom of Student's t, NaN likewise.
        n: values. clusters: as many as values where they are independent.
        deviation: standard deviation of a value; where trimmed, the winsorised one in units in which it is 1 for a
            standard normal (Algina, Keselman and Penfield, Psychological Methods 10, 2005).
    """

    estimate: float
    se: float
    freedom: float
    n: int
    clusters: int
    deviation: float

    @property
    def has_spread(self) -> bool:
        """Whether an interval can be had."""
        return bool(np.isfinite(self.se) and np.isfinite(self.freedom))

    def interval(self, level: float = 0.95) -> Interval:
        """Two-sided; each bound taken alone has the level ``(1 + level) / 2``."""
        check_share("level", level)
        if not self.has_spread:
            return Interval(self.estimate, None, None)
        half = float(special.stdtrit(self.freedom, 0.5 + level / 2)) * self.se
        return Interval(self.estimate, self.estimate - half, self.estimate + half)

    def p_value(self, null: float = 0.0, alternative: Alternative = "two-sided") -> float:
        """Of the t test that the true one is ``null``; NaN where there is no spread."""
        if alternative not in ("two-sided", "greater", "less"):
            raise StatisticsError(f"alternative {alternative!r} is not two-sided, greater or less")
        if not self.has_spread:
            return float("nan")
        t = (self.estimate - null) / self.se
        if alternative == "two-sided":
            return float(min(1.0, 2 * special.stdtr(self.freedom, -abs(t))))
        return float(special.stdtr(self.freedom, -t if alternative == "greater" else t))


def locate(values: Values, clusters: Clusters = None, trim: float = 0.0) -> Location:
    """Mean (``trim`` 0) or trimmed mean of values, as :class:`Location`.

    The standard error is that of the mean of the winsorised values, divided by the share kept (Tukey and McLaughlin,
    Sankhya A 25, 1963), which is the influence function's variance. Over clusters the influences are summed and their
    variance is the bias-reduced CR2 one (Bell and McCaffrey, Survey Methodology 28, 2002; Imbens and Kolesar, Review
    of Economics and Statistics 98, 2016), made larger by ``(1 - c) / (1 - c_kept)`` with ``c`` the sum of the squared
    shares of clusters before and after trimming. Degrees of freedom are Satterthwaite's for the numbers that each
    cluster keeps. With clusters of one both are Yuen's exactly (Biometrika 61, 1974: the winsorised squares over
    ``h (h - 1)``, and ``h - 1``), untrimmed they are Student's and CR2's, and repeating every value within its cluster
    changes nothing but for the rounding of how many are cut. The clustered trimmed form is ours;
    ``python -m harness.statistics.simulation`` measures it.

    What holds, in 3,000 simulated samples a design (a true 95 % comes out within 0.008): trimmed, the 95 % interval
    covers 0.936 to 0.959 for 10 to 200 independent utterances and for 24 to 200 of 2 to 20 speakers of unequal size,
    ICC 0 to 0.5, and one-sided tests at 5 % err in 4 to 7 of 100 tries; also where one utterance in 50 falls far,
    spread over speakers or all by a few, and where speakers vary unequally much. Untrimmed it covers 0.940 to 0.963
    without such falls, and 0.875 to 0.959 with them, where it says "better" at the truth in up to 17 of 100 tries.

    What does not hold: the trimmed mean is that of the population's middle, not its mean. Effects of *speakers* that
    are skewed (exponential) are not mended by trimming utterances: 8 speakers cover 0.941 and err to one side (0.03
    and 0.08 for 0.05). Ignoring the clusters covers 0.67 (8 speakers, ICC 0.5). Two or three speakers are covered, as
    their own effects were normal here, but with 1 or 2 degrees of freedom the intervals are too wide to be of use.

    Args:
        values: ``[n]``; NaN is left out.
        clusters: ``[n]``, or None.
        trim: share cut at each end, 0 to below 0.5.

    Raises:
        StatisticsError: as :func:`read_sample`, and a trim that cannot be.
    """
    return locate_sample(read_sample(values, clusters), trim)


def locate_sample(sample: Sample, trim: float = 0.0) -> Location:
    """:func:`locate` of a checked sample."""
    if not 0 <= trim < 0.5:
        raise StatisticsError(f"trim {trim} must be 0 or more and below 0.5, such as 0.2")
    x, n = sample.values, sample.n
    cut = int(trim * n)
    ordered = np.sort(x)
    low, high = ordered[cut], ordered[n - cut - 1]
    estimate = float(ordered[cut : n - cut].mean())
    winsorised = np.clip(x, low, high)
    residuals = winsorised - winsorised.mean()
    nothing = Location(estimate, np.nan, np.nan, n, sample.clusters, np.nan)
    if np.abs(residuals).max() <= 1e-12 * max(1.0, abs(estimate)):
        return nothing
    deviation = float(np.sqrt((residuals**2).sum() / (n - 1)) / normal_winsorised_deviation(cut / n))
    kept = np.bincount(sample.groups, _kept(x, low, high, n - 2 * cut), minlength=sample.clusters)
    freedom = _freedom(kept)
    if sample.clusters < 2 or not freedom > 0:
        return Location(estimate, np.nan, np.nan, n, sample.clusters, deviation)
    variance = _variance(np.bincount(sample.groups, residuals), sample.sizes) * (n / (n - 2 * cut)) ** 2
    variance *= (1 - _concentration(sample.sizes)) / (1 - _concentration(kept))
    if not np.sqrt(variance) > 1e-9 * deviation:  # the clusters' sums cancel, which says nothing of how they vary
        return Location(estimate, np.nan, np.nan, n, sample.clusters, deviation)
    return Location(estimate, float(np.sqrt(variance)), freedom, n, sample.clusters, deviation)


def normal_winsorised_deviation(trim: float) -> float:
    """Standard deviation of a standard normal winsorised by ``trim`` at each end; 0.642 for 0.2, 1 for 0."""
    if trim == 0:
        return 1.0
    z = special.ndtri(1 - trim)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return float(np.sqrt(1 - 2 * trim - 2 * z * density + 2 * trim * z**2))


def _kept(x: np.ndarray, low: float, high: float, total: int) -> np.ndarray:
    """float64 ``[n]``: 1 for a value within the cuts, 0 beyond, equal parts for those tied at a cut; in all total."""
    inside = (x > low) & (x < high)
    tied = (x == low) | (x == high)
    return inside + tied * ((total - inside.sum()) / tied.sum())


def _concentration(sizes: np.ndarray) -> float:
    """Sum of the squared shares: 1 over the number of clusters, were they equal."""
    return float(((sizes / sizes.sum()) ** 2).sum())


def _variance(sums: np.ndarray, sizes: np.ndarray) -> float:
    """CR2 variance of a mean.

    Args:
        sums: float64 ``[G]``, residuals summed over each cluster.
        sizes: int ``[G]``.
    """
    n = sizes.sum()
    return float((sums**2 / (1 - sizes / n)).sum() / n**2)


def _freedom(sizes: np.ndarray) -> float:
    """Satterthwaite degrees of freedom of :func:`_variance` for independent values; NaN below two clusters.

    With ``w`` the clusters' shares, the adjusted cluster sums of independent values have the covariance
    ``(diag(w) - w w') / sqrt((1 - w)(1 - w'))``: its squared trace over the trace of its square, without the matrix.
    """
    w = sizes[sizes > 0] / sizes.sum()
    if len(w) < 2:
        return float("nan")
    apart = w**2 / (1 - w)
    return float(1 / ((w**2).sum() + apart.sum() ** 2 - (apart**2).sum()))

"""Means and paired differences with intervals that know that utterances of one speaker are alike."""

from __future__ import annotations

import numpy as np

from .location import Interval, locate
from .samples import Clusters, StatisticsError, Values, check_share


def mean_interval(values: Values, clusters: Clusters = None, level: float = 0.95) -> Interval:
    """Mean and t-interval, cluster-robust where clusters are given.

    Variance is the bias-reduced CR2 sum over clusters with Satterthwaite degrees of freedom (Bell and McCaffrey,
    Survey Methodology 28, 2002; Imbens and Kolesar, Review of Economics and Statistics 98, 2016), which for a mean has
    a closed form, holds its level with few and unequal clusters, and with clusters of one is Student's interval.

    Args:
        values: one an utterance; NaN (unscored) is left out.
        clusters: the speaker of each; None for independent values.
        level: coverage.

    Returns:
        Bounds None below two values or two clusters, and where all values are the same: an interval of width zero
        would claim a certainty that is not there.

    Raises:
        StatisticsError: no values, infinite ones, lengths that differ, or a level outside (0, 1).
    """
    check_share("level", level)
    return locate(values, clusters).interval(level)


def paired_difference(
    candidate: Values, baseline: Values, clusters: Clusters = None, level: float = 0.95, trim: float = 0.0
) -> Interval:
    """Mean of candidate minus baseline, utterance by utterance, and its interval; as :func:`mean_interval`.

    Pairs of which either is NaN are left out. With ``trim`` it is the trimmed mean, as ``yuen_interval``.

    Raises:
        StatisticsError: lengths that differ, and as :func:`mean_interval`.
    """
    a, b = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if a.shape != b.shape:
        raise StatisticsError(f"{a.shape} and {b.shape} cannot be paired; give the scores of the same utterances")
    check_share("level", level)
    return locate(a - b, clusters, trim).interval(level)

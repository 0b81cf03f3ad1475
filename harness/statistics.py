"""Means and paired differences with intervals that know that utterances of one speaker are alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas
from scipy import stats


class Interval(NamedTuple):
    """A mean and its confidence interval; ``low`` and ``high`` are None where the spread cannot be estimated."""

    mean: float
    low: float | None
    high: float | None


def mean_interval(
    values: Sequence[float] | np.ndarray, clusters: Sequence[Hashable] | None = None, level: float = 0.95
) -> Interval:
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
        ValueError: no values, infinite ones, lengths that differ, or a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} must lie between 0 and 1")
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"values have shape {x.shape}, must be [n]")
    groups = np.arange(len(x)) if clusters is None else pandas.factorize(np.asarray(clusters, dtype=object))[0]
    if len(groups) != len(x):
        raise ValueError(f"{len(x)} values but {len(groups)} clusters")
    kept = ~np.isnan(x)
    x, groups = x[kept], np.unique(groups[kept], return_inverse=True)[1]
    if not len(x):
        raise ValueError("no values: a mean of nothing is not a number")
    if np.isinf(x).any():
        raise ValueError("infinite values have no mean")
    mean = float(x.mean())
    sizes = np.bincount(groups)
    residuals = x - mean
    if len(sizes) < 2 or np.abs(residuals).max() <= 1e-12 * max(1.0, abs(mean)):
        return Interval(mean, None, None)
    variance, freedom = _cr2(np.bincount(groups, weights=residuals), sizes)
    if variance == 0.0:
        return Interval(mean, None, None)
    half = float(stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(variance))
    return Interval(mean, mean - half, mean + half)


def _cr2(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Variance of a mean and its degrees of freedom.

    Args:
        sums: float64 ``[G]``, residuals summed over each cluster.
        sizes: int ``[G]``.
    """
    n = sizes.sum()
    leverage = 1 - sizes / n
    variance = float((sums**2 / leverage).sum() / n**2)
    # P[g, h] is the covariance of the adjusted cluster sums when values are independent
    products = (np.diag(sizes) - np.outer(sizes, sizes) / n) / np.sqrt(np.outer(leverage, leverage))
    freedom = float(np.trace(products) ** 2 / (products**2).sum())
    return variance, freedom


def paired_difference(
    candidate: Sequence[float] | np.ndarray,
    baseline: Sequence[float] | np.ndarray,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """Mean of candidate minus baseline, utterance by utterance, and its interval; as :func:`mean_interval`.

    Pairs of which either is NaN are left out.

    Raises:
        ValueError: lengths that differ, and as :func:`mean_interval`.
    """
    a, b = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} cannot be paired; give the scores of the same utterances")
    return mean_interval(a - b, clusters, level)


def paired_scores(scores: pandas.DataFrame, metric: str, candidate: str, baseline: str) -> pandas.DataFrame:
    """The scores of two systems side by side, of the same utterance, seed and metric identity only.

    Args:
        scores: as ``scores.parquet``.
        metric: name.
        candidate, baseline: systems.

    Returns:
        Columns ``utterance``, ``seed``, ``speaker``, ``identity``, ``candidate``, ``baseline``; rows that both have.
    """
    rows = scores[(scores["metric"] == metric) & scores["value"].notna()]
    on = ["utterance", "seed", "speaker", "identity"]
    sides = [
        rows[rows["system"] == system][[*on, "value"]].rename(columns={"value": side})
        for system, side in ((candidate, "candidate"), (baseline, "baseline"))
    ]
    return sides[0].merge(sides[1], on=on)


def summary(scores: pandas.DataFrame, level: float = 0.95) -> pandas.DataFrame:
    """Mean and interval, clustered by speaker, of every system and metric identity.

    Args:
        scores: as ``scores.parquet``.
        level: coverage.

    Returns:
        Columns ``system``, ``metric``, ``identity``, ``unit``, ``n``, ``unscored``, ``mean``, ``low``, ``high``; the
        last three NaN where they cannot be had.
    """
    rows = []
    names = ["system", "metric", "identity", "unit"]
    for group, part in scores.groupby(names, sort=False):
        scored = part[part["value"].notna()]
        clusters = scored["speaker"] if scored["speaker"].nunique() > 1 else None
        interval = mean_interval(scored["value"], clusters, level) if len(scored) else Interval(np.nan, None, None)
        counts = {"n": len(scored), "unscored": len(part) - len(scored)}
        rows.append(dict(zip(names, group, strict=True)) | counts | interval._asdict())
    table = pandas.DataFrame(rows, columns=[*names, "n", "unscored", "mean", "low", "high"])
    return table.astype(dict.fromkeys(("mean", "low", "high"), np.float64))

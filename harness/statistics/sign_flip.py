"""Sign flips: a permutation test of paired differences that assumes no distribution but a symmetric one."""

from __future__ import annotations

import numpy as np

from .location import Alternative
from .samples import Clusters, StatisticsError, Values, read_sample

EXACT_UP_TO = 15
"""Clusters: 32,768 patterns of signs."""

_AT_ONCE = 4_000_000  # signs held at a time


def sign_flip_p(
    differences: Values,
    clusters: Clusters = None,
    *,
    alternative: Alternative = "two-sided",
    resamples: int = 10_000,
    seed: int = 0,
) -> float:
    """Test that the mean difference is 0 by flipping the sign of each, of all of a speaker's together with clusters.

    Exact up to 15 differences (clusters), else with random patterns, the observed one among them (Phipson and Smyth,
    Statistical Applications in Genetics and Molecular Biology 9, 2010). Valid where the differences (the sums of a
    cluster's) are distributed symmetrically about 0 when nothing differs, which same-distribution systems guarantee.
    With ``k`` clusters p cannot be below ``2 / 2 ** k``: 6 are needed for 0.05.

    Args:
        differences: ``[n]``, paired; NaN is left out.
        clusters: ``[n]``, or None.
        alternative: ``greater`` asks whether the mean is above 0.
        resamples: random patterns where not exact.
        seed: of them.

    Raises:
        StatisticsError: no values, infinite ones, lengths that differ, or an unknown alternative.
    """
    if alternative not in ("two-sided", "greater", "less"):
        raise StatisticsError(f"alternative {alternative!r} is not two-sided, greater or less")
    sample = read_sample(differences, clusters)
    sums = np.bincount(sample.groups, sample.values)
    observed = _oriented(np.array([sums.sum()]), alternative)[0]
    reach = observed - 1e-9 * max(float(np.abs(sums).sum()), np.finfo(float).tiny)
    if len(sums) <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float((_oriented(signs @ sums, alternative) >= reach).mean())
    generator, reached, left = np.random.default_rng(seed), 0, resamples
    while left:
        rows = min(left, max(1, _AT_ONCE // len(sums)))
        signs = generator.choice(np.array([-1, 1], np.int8), size=(rows, len(sums)))
        reached += int((_oriented(signs @ sums, alternative) >= reach).sum())
        left -= rows
    return (reached + 1) / (resamples + 1)


def _oriented(sums: np.ndarray, alternative: Alternative) -> np.ndarray:
    """What is the larger, the more it speaks against the null."""
    return np.abs(sums) if alternative == "two-sided" else sums if alternative == "greater" else -sums

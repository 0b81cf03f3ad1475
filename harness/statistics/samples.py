"""Values and the clusters that they come from, checked once for every function of this package."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas

from streamflow.errors import StreamflowError

Values = Sequence[float] | np.ndarray | pandas.Series
Clusters = Sequence[Hashable] | np.ndarray | pandas.Series | None


class StatisticsError(StreamflowError, ValueError):
    """Values that a statistic cannot be had from, or a level, margin or share that cannot be."""


class Sample(NamedTuple):
    """Values without the missing ones.

    Attributes:
        values: float64 ``[n]``.
        groups: int ``[n]``, the cluster of each, 0..G-1, none empty.
        sizes: int ``[G]``.
    """

    values: np.ndarray
    groups: np.ndarray
    sizes: np.ndarray

    @property
    def n(self) -> int:
        """Values."""
        return len(self.values)

    @property
    def clusters(self) -> int:
        """Clusters; as many as values where values are independent."""
        return len(self.sizes)


def read_sample(values: Values, clusters: Clusters = None) -> Sample:
    """Check values and clusters and leave NaN (unscored) out.

    Args:
        values: ``[n]``.
        clusters: ``[n]``, the speaker of each; None for independent values.

    Raises:
        StatisticsError: no values, infinite ones, or lengths that differ.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise StatisticsError(f"values have shape {x.shape}, must be [n]")
    groups = np.arange(len(x)) if clusters is None else pandas.factorize(np.asarray(clusters, dtype=object))[0]
    if len(groups) != len(x):
        raise StatisticsError(f"{len(x)} values but {len(groups)} clusters; give one cluster a value")
    kept = ~np.isnan(x)
    x, groups = x[kept], np.unique(groups[kept], return_inverse=True)[1]
    if not len(x):
        raise StatisticsError("no values: a mean of nothing is not a number")
    if np.isinf(x).any():
        raise StatisticsError("infinite values have no mean; leave them out or mark them unscored")
    return Sample(x, groups, np.bincount(groups))


def speaker_clusters(speakers: Sequence[Hashable] | pandas.Series) -> np.ndarray | None:
    """Speakers as clusters, or None where all utterances are of one.

    With one speaker the utterances are taken as independent and every claim is about that speaker alone; with several
    it is about other speakers too.
    """
    speakers = np.asarray(speakers, dtype=object)
    return speakers if pandas.unique(speakers).size > 1 else None


def check_share(name: str, value: float) -> None:
    """Refuse a level, power or alpha outside (0, 1).

    Raises:
        StatisticsError: with the name.
    """
    if not 0 < value < 1:
        raise StatisticsError(f"{name} {value} must lie between 0 and 1, such as 0.95")


def fewest(alpha: float, sides: int = 2) -> int:
    """The fewest values of which any test that assumes no distribution could say something at ``alpha``.

    ``n`` differences of one sign have the chance ``sides * 2 ** -n`` under the sign test: 6 at a two-sided 0.05, 5 at a
    one-sided one.
    """
    check_share("alpha", alpha)
    return int(np.ceil(np.log2(sides / alpha)))

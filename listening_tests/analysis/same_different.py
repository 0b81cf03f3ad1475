"""Same-different: d' of the differencing model, from hits and false alarms, since a listener's own criterion sets the hits.

The observer says "different" when |A−B| exceeds a criterion k, so

    F = 2 Φ(−k/√2),    H = Φ((d' − k)/√2) + Φ((−d' − k)/√2)

(Macmillan and Creelman 2005, chapter 9; Kaplan, Macmillan and Creelman, Behavior Research Methods 10, 1978). F comes from
the pairs that were the same.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas
from scipy import stats
from scipy.optimize import brentq

from harness.statistics import holm

from .crossed_bootstrap import percentile_interval, resample_weights
from .estimate import BOTH

LARGEST = 12.0


@dataclass(frozen=True, slots=True)
class SameDifferent:
    """A system against another.

    Attributes:
        different, same: trials of either kind. hits, false_alarms: share of "different" in each (log-linear correction).
        d_prime: low, high at 95 % by the two-way bootstrap. criterion: k, in the unit of d'.
        p_value: Fisher's exact test, one-sided, that "different" is said more often where it is. p_holm: over the pairs.
    """

    system: str
    against: str
    different: int
    same: int
    hits: float
    false_alarms: float
    d_prime: float
    d_low: float
    d_high: float
    criterion: float
    p_value: float
    p_holm: float
    listeners: int
    sentences: int

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def rates_of(d_prime: float, criterion: float) -> tuple[float, float]:
    """(H, F) of a differencing observer."""
    low, high = (-d_prime - criterion) / math.sqrt(2), (d_prime - criterion) / math.sqrt(2)
    return float(stats.norm.cdf(low) + stats.norm.cdf(high)), float(2 * stats.norm.cdf(-criterion / math.sqrt(2)))


def criterion_of(false_alarms: float) -> float:
    """k of the share of "different" said of the same."""
    return float(-math.sqrt(2) * stats.norm.ppf(false_alarms / 2))


def d_prime(hits: float, false_alarms: float) -> float:
    """d' >= 0; 0 where "different" is said no more often of different pairs, NaN without a rate."""
    if not (math.isfinite(hits) and math.isfinite(false_alarms)):
        return math.nan
    if hits <= false_alarms:
        return 0.0
    criterion = criterion_of(false_alarms)
    if hits >= rates_of(LARGEST, criterion)[0]:
        return LARGEST
    return float(brentq(lambda d: rates_of(d, criterion)[0] - hits, 0.0, LARGEST))


def same_different_scores(
    frame: pandas.DataFrame, *, claim: str = BOTH, replicates: int = 400, seed: int = 0
) -> list[SameDifferent]:
    """One result for each pair of systems; ``frame``: main ratings, value 1 where "different" was said, ``truth``."""
    groups = frame.groupby(["system", "against"], sort=False)
    scored = [_score(system, against, rows, claim, replicates, seed) for (system, against), rows in groups]
    corrected = holm([of.p_value for of in scored])
    return [replace(of, p_holm=float(value)) for of, value in zip(scored, corrected, strict=True)]


def _score(system: str, against: str, rows: pandas.DataFrame, claim: str, replicates: int, seed: int) -> SameDifferent:
    said, differs = rows["value"].to_numpy(float), rows["truth"].to_numpy() == "different"
    weights = resample_weights(rows["listener"], rows["sentence"], replicates, seed=seed, claim=claim)
    ones = np.ones((1, len(rows)))
    (hits,), (alarms,) = _rate(ones, said, differs), _rate(ones, said, ~differs)
    drawn = zip(_rate(weights, said, differs), _rate(weights, said, ~differs), strict=True)
    low, high = percentile_interval(np.array([d_prime(h, f) for h, f in drawn]))
    counts = [[int(said[kind].sum()), int((1 - said[kind]).sum())] for kind in (differs, ~differs)]
    return SameDifferent(
        system=system, against=against, different=int(differs.sum()), same=int((~differs).sum()),
        hits=float(hits), false_alarms=float(alarms), d_prime=d_prime(hits, alarms), d_low=low, d_high=high,
        criterion=criterion_of(alarms), p_value=float(stats.fisher_exact(counts, alternative="greater").pvalue),
        p_holm=math.nan, listeners=rows["listener"].nunique(), sentences=rows["sentence"].nunique(),
    )  # fmt: skip


def _rate(weights: np.ndarray, said: np.ndarray, of: np.ndarray) -> np.ndarray:
    return (weights @ (said * of) + 0.5) / (weights @ of.astype(float) + 1)

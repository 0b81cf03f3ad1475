"""ABX: exact binomial test, and d' of the differencing model with intervals.

The differencing observer compares X−A with X−B. With ``Φ`` the normal distribution, the share right of an unbiased one is

    p = Φ(d'/√2) Φ(d'/√6) + Φ(−d'/√2) Φ(−d'/√6)

(Macmillan and Creelman, Detection Theory, 2nd ed. 2005, chapter 9; the same as duo-trio, and what R's psyphy solves).
Bias towards A or B is taken out first: H is how often "A" is said when X is A, F how often when X is B, and
p = Φ((z(H) − z(F)) / 2).
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

LARGEST = 10.0  # d' beyond which nothing can be told apart from always right


@dataclass(frozen=True, slots=True)
class Abx:
    """A system against another.

    Attributes:
        trials, correct: counted. share: of the two.
        p_value: one-sided exact binomial against guessing. Under guessing, answers are independent even of one listener.
            p_holm: corrected over the pairs.
        p_below: one-sided, that it is below guessing, which no observer is: a key upside down, or an answer misread.
        share_low, share_high: 95 % by the two-way bootstrap, for other listeners and sentences too.
        exact_low, exact_high: 95 % of Clopper and Pearson, for these answers taken as independent.
        hits, false_alarms: "A" said when X was A, and when it was B (log-linear correction: +0.5 of +1).
        d_prime: differencing model, bias taken out; low, high by the two-way bootstrap.
        needed: right answers at which p is below 0.05.
    """

    system: str
    against: str
    trials: int
    correct: int
    share: float
    p_value: float
    p_holm: float
    p_below: float
    share_low: float
    share_high: float
    exact_low: float
    exact_high: float
    hits: float
    false_alarms: float
    d_prime: float
    d_low: float
    d_high: float
    needed: int
    listeners: int
    sentences: int

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def share_of_d_prime(d_prime: float) -> float:
    """Share right of an unbiased differencing observer; the same for −d'."""
    a, b = stats.norm.cdf(d_prime / math.sqrt(2)), stats.norm.cdf(d_prime / math.sqrt(6))
    return float(a * b + (1 - a) * (1 - b))


def d_prime_of_share(share: float) -> float:
    """d' >= 0 of the share right of an unbiased observer; 0 at or below guessing, LARGEST where always right."""
    if not share > 0.5:
        return 0.0 if share <= 0.5 else math.nan
    if share >= share_of_d_prime(LARGEST):
        return LARGEST
    return float(brentq(lambda d: share_of_d_prime(d) - share, 0.0, LARGEST))


def d_prime(hits: float, false_alarms: float) -> float:
    """d' of an observer who says "A" in ``hits`` of the trials where X is A and in ``false_alarms`` of the others."""
    return d_prime_of_share(unbiased_share(hits, false_alarms))


def unbiased_share(hits: float, false_alarms: float) -> float:
    """Share right without the bias: Φ((z(H) − z(F)) / 2)."""
    return float(stats.norm.cdf((stats.norm.ppf(hits) - stats.norm.ppf(false_alarms)) / 2))


def needed_correct(trials: int, alpha: float = 0.05) -> int:
    """Fewest right answers of ``trials`` whose one-sided p is at most ``alpha``; ``trials + 1`` if there are none such."""
    correct = np.arange(trials + 1)
    enough = correct[stats.binom.sf(correct - 1, trials, 0.5) <= alpha]
    return int(enough[0]) if len(enough) else trials + 1


def abx_scores(frame: pandas.DataFrame, *, claim: str = BOTH, replicates: int = 2000, seed: int = 0) -> list[Abx]:
    """One result for each pair of systems.

    Args:
        frame: main ABX ratings (value 1 right, 0 wrong; truth and response "A" or "B").
    """
    groups = frame.groupby(["system", "against"], sort=False)
    scored = [_score(system, against, rows, claim, replicates, seed) for (system, against), rows in groups]
    corrected = holm([of.p_value for of in scored])
    return [replace(of, p_holm=float(value)) for of, value in zip(scored, corrected, strict=True)]


def _score(system: str, against: str, rows: pandas.DataFrame, claim: str, replicates: int, seed: int) -> Abx:
    value, truth = rows["value"].to_numpy(float), rows["truth"].to_numpy() == "A"
    said_a = rows["response"].to_numpy() == "A"
    trials, correct = len(rows), int(value.sum())
    weights = resample_weights(rows["listener"], rows["sentence"], replicates, seed=seed, claim=claim)
    with np.errstate(invalid="ignore"):
        share_low, share_high = percentile_interval(weights @ value / weights.sum(axis=1))
    ones = np.ones((1, trials))
    (hits,), (alarms,) = _rate(ones, said_a, truth), _rate(ones, said_a, ~truth)
    exact = stats.binomtest(correct, trials, 0.5, alternative="two-sided").proportion_ci(0.95, "exact")
    low, high = _d_interval(weights, said_a, truth)
    return Abx(
        system=system, against=against, trials=trials, correct=correct, share=correct / trials,
        p_value=float(stats.binomtest(correct, trials, 0.5, alternative="greater").pvalue), p_holm=math.nan,
        p_below=float(stats.binomtest(correct, trials, 0.5, alternative="less").pvalue),
        share_low=share_low, share_high=share_high, exact_low=float(exact.low), exact_high=float(exact.high),
        hits=float(hits), false_alarms=float(alarms), d_prime=d_prime(hits, alarms), d_low=low, d_high=high,
        needed=needed_correct(trials), listeners=rows["listener"].nunique(), sentences=rows["sentence"].nunique(),
    )  # fmt: skip


def _rate(weights: np.ndarray, said: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Share of ``said`` among ``of`` a line of weights, log-linear (Hautus 1995), so that 0 and 1 have a z."""
    return (weights @ (said & of) + 0.5) / (weights @ of.astype(float) + 1)


def _d_interval(weights: np.ndarray, said_a: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The share's interval turned into d', which grows with it."""
    z = stats.norm.ppf(_rate(weights, said_a, truth)) - stats.norm.ppf(_rate(weights, said_a, ~truth))
    low, high = percentile_interval(stats.norm.cdf(z / 2))
    bounds = d_prime_of_share(low), d_prime_of_share(high)
    return bounds if bounds[1] > bounds[0] else (math.nan, math.nan)  # all below guessing: no d' goes with it

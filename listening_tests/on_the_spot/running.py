"""What so many answers say: the exact binomial for a number of trials fixed beforehand, and what may be looked at always.

Whoever watches a p-value and stops when it pleases will please themselves: with no difference at all, p <= 0.05 turns up
somewhere within 100 trials in far more than one of twenty tests. So two kinds of figures are given.

Fixed: the exact binomial p-value (one-sided where an answer is right or wrong, two-sided for a preference) and the
interval of Clopper and Pearson (1934). They hold at the number of trials that was chosen before the test.

Anytime: a betting score against guessing. Under guessing the likelihood ratio of any bias θ to 1/2 is a martingale, and so
is its average over θ (Ville 1939; Robbins 1970): over (1/2, 1) where only being right counts, over (0, 1) for a
preference. By Ville's inequality the e-value reaches 1/α in at most a share α of all tests, whenever one stops; so
1/(largest e-value so far) is a p-value at any time, and all θ whose own e-value is below 20 are a 95 % confidence
sequence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import betaln

CONFIDENCE = 0.95
GRID = np.linspace(0.0005, 0.9995, 1000)  # shares; the confidence sequence is rounded outwards to it


@dataclass(frozen=True, slots=True)
class Running:
    """k of n, and what it says.

    Attributes:
        n: answers that decide (no "no preference" among them). k: right, or for the one of the two.
        p_value: exact binomial against 1/2, for n fixed beforehand.
        low, high: Clopper-Pearson interval of the share at 95 %, for n fixed beforehand.
        e_value: the betting score now: 1 says nothing, 20 or more is evidence at 5 %, whenever one looks.
        p_anytime: 1 / the largest e-value so far, at most 1.
        anytime_low, anytime_high: 95 % confidence sequence of the share: all of them together hold in 95 % of tests.
    """

    n: int
    k: int
    p_value: float
    low: float
    high: float
    e_value: float
    p_anytime: float
    anytime_low: float
    anytime_high: float

    def table(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def running(hits: Sequence[bool], *, one_sided: bool) -> Running:
    """Figures after these answers, in the order given.

    Args:
        hits: right or wrong; or preferred the one or the other.
        one_sided: only more hits than guessing count (ABX); otherwise either way does (preference).
    """
    n, k = len(hits), int(sum(hits))
    scores = [e_value(count, seen, one_sided=one_sided) for seen, count in enumerate(np.cumsum([0, *hits]))]
    anytime = confidence_sequence(k, n)
    if n:
        test = stats.binomtest(k, n, 0.5, alternative="greater" if one_sided else "two-sided")
        exact = stats.binomtest(k, n, 0.5).proportion_ci(CONFIDENCE, "exact")
        p_value, low, high = float(test.pvalue), float(exact.low), float(exact.high)
    else:
        p_value, low, high = 1.0, 0.0, 1.0
    return Running(n, k, p_value, low, high, scores[-1], min(1.0, 1 / max(scores)), *anytime)


def e_value(k: int, n: int, *, one_sided: bool) -> float:
    """The average over θ of θ^k (1 - θ)^(n - k) / 2^-n: over (1/2, 1) one-sided, over (0, 1) otherwise; 1 for n = 0."""
    log_score = n * math.log(2) + betaln(k + 1, n - k + 1)
    if one_sided:  # the part of the integral above 1/2, of a density of 2 there
        log_score += math.log(2) + stats.beta.logsf(0.5, k + 1, n - k + 1)
    return float(math.exp(min(log_score, 700.0)))


def confidence_sequence(k: int, n: int) -> tuple[float, float]:
    """Shares that k of n do not rule out at any time, 95 %: those with a score below 20 against themselves."""
    if n == 0:
        return 0.0, 1.0
    scores = betaln(k + 1, n - k + 1) - k * np.log(GRID) - (n - k) * np.log1p(-GRID)
    inside = np.flatnonzero(scores < math.log(1 / (1 - CONFIDENCE)))
    low, high = GRID[max(inside[0] - 1, 0)], GRID[min(inside[-1] + 1, len(GRID) - 1)]
    return (0.0 if inside[0] == 0 else float(low)), (1.0 if inside[-1] == len(GRID) - 1 else float(high))


def needed(trials: int, *, one_sided: bool, alpha: float = 0.05) -> int | None:
    """Fewest hits (of the leading one, for a preference) of ``trials`` with a p-value of at most ``alpha``; None if none."""
    counts = np.arange(trials // 2, trials + 1)
    tail = stats.binom.sf(counts - 1, trials, 0.5) * (1 if one_sided else 2)
    enough = counts[tail <= alpha]
    return int(enough[0]) if len(enough) else None

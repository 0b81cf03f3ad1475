"""How large a difference is: paired d over listeners, and the probability of superiority (Cliff's delta)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas

from harness.statistics.noncentral import noncentrality

from .crossed_bootstrap import difference
from .crossed_data import Ratings, read_ratings
from .estimate import LISTENERS, Estimate, check_level
from .listener_differences import listener_differences


def paired_d(frame: pandas.DataFrame, a: str, b: str, *, level: float = 0.95) -> Estimate:
    """Cohen's d of the listeners' own differences: their mean in units of their standard deviation.

    The interval inverts the noncentral t (Cumming and Finch, Educational and Psychological Measurement 61, 2001), so it
    speaks of listeners alone. Each listener counts the same; see :func:`listener_differences`.

    Raises:
        StudyError: a system without ratings.
    """
    check_level(level)
    d = listener_differences(frame, a, b)
    n = len(d)
    facts = {"method": "noncentral t over listeners", "claim": LISTENERS, "level": level, "listeners": n}
    spread = d.std(ddof=1) if n > 1 else 0.0
    if not spread > 1e-12:
        return Estimate(np.nan, np.nan, np.nan, **facts, note="listeners do not differ, or there is but one")
    t = float(d.mean() / spread * np.sqrt(n))
    low, high = (noncentrality(t, n - 1, p) / np.sqrt(n) for p in (0.5 + level / 2, 0.5 - level / 2))
    return Estimate(t / float(np.sqrt(n)), float(low), float(high), **facts, freedom=n - 1.0)


def cliffs_delta(frame: pandas.DataFrame, a: str, b: str, **options: Any) -> Estimate:
    """P(a rating of ``a`` is above one of ``b``) minus P(below), over all pairs of ratings; -1..1, 0 for no difference.

    The point is Cliff's (Psychological Bulletin 114, 1993). Its interval takes each rating's placement among the other
    system's ratings as a value (the Hoeffding projection, as DeLong's and Brunner and Munzel's) and the crossed variance of
    those, so that it knows of shared listeners and sentences.

    Args:
        options: as :func:`crossed_bootstrap.difference`.

    Raises:
        StudyError: a system without ratings.
    """
    ratings = read_ratings(frame)
    values, delta = _placements(ratings, ratings.code(a), ratings.code(b))
    names = np.array(ratings.systems)[ratings.system]
    placed = pandas.DataFrame(
        {"listener": ratings.listener, "sentence": ratings.sentence, "system": names, "value": values}
    )
    spread = difference(placed[(names == a) | (names == b)], a, b, **options)
    shift = delta - spread.mean  # the projection has the spread of delta, and about 2 delta as its mean
    bounds = (
        {"low": max(spread.low + shift, -1.0), "high": min(spread.high + shift, 1.0)} if spread.has_interval else {}
    )
    return replace(spread, mean=delta, **bounds)


def superiority(frame: pandas.DataFrame, a: str, b: str, **options: Any) -> Estimate:
    """Probability that a rating of ``a`` is above one of ``b``, ties counting half; 0.5 for no difference.

    (1 + Cliff's delta) / 2; ``p_value`` tests that it is 0.5. Arguments as :func:`cliffs_delta`.
    """
    delta = cliffs_delta(frame, a, b, **options)
    half = {name: (1 + getattr(delta, name)) / 2 for name in ("mean", "low", "high")}
    return replace(delta, **half, se=delta.se / 2, null=0.5)


def _placements(ratings: Ratings, first: int, second: int) -> tuple[np.ndarray, float]:
    """Share of the other system's ratings below minus above (so of opposite sign for ``b``); 0 for other systems."""
    values = np.zeros(len(ratings.value))
    sides = [np.flatnonzero(ratings.system == code) for code in (first, second)]
    for rows, others in (sides, sides[::-1]):
        sorted_others = np.sort(ratings.value[others])
        below = np.searchsorted(sorted_others, ratings.value[rows], "left")
        above = len(others) - np.searchsorted(sorted_others, ratings.value[rows], "right")
        values[rows] = (below - above) / len(others)
    return values, float(values[sides[0]].mean())

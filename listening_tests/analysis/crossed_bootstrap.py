"""Mean opinions and their differences, with intervals for ratings that share listeners and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas
from scipy import stats

from harness.statistics import holm
from listening_tests.errors import StudyError

from .contrast import Contrast, contrast
from .crossed_data import read_ratings
from .crossed_variance import CELL, LISTENER, SENTENCE, two_way_design
from .estimate import BOTH, CLAIMS, METHODS, Estimate, check_choice, check_level

_BATCH = 4_000_000  # weights made at once


def mean_opinion(
    frame: pandas.DataFrame,
    system: str,
    *,
    claim: str = BOTH,
    method: str = "crossed",
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    allow_iid: bool = False,
) -> Estimate:
    """Mean of a system's ratings, every rating of the same weight, with its interval.

    Args:
        frame: columns ``listener``, ``sentence``, ``system``, ``value``.
        system: name.
        claim: whom the interval speaks of, see ``estimate.CLAIMS``.
        method: of ``estimate.METHODS``; ``iid`` only with ``allow_iid``.
        level: coverage.
        replicates, seed: of the bootstraps.

    Raises:
        StudyError: no ratings of the system, or an unknown claim or method.
    """
    _check(claim, method, level, allow_iid)
    ratings = read_ratings(frame)
    rows = ratings.of(ratings.system == ratings.code(system))
    design = two_way_design(rows.listener, rows.sentence)
    whole = Contrast(design, rows.value, rows.listener, rows.sentence, rows.counts)
    return _estimate(whole, claim, method, level, replicates, seed)


def difference(
    frame: pandas.DataFrame,
    a: str,
    b: str,
    *,
    claim: str = BOTH,
    method: str = "crossed",
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    allow_iid: bool = False,
) -> Estimate:
    """Mean of ``a`` minus mean of ``b`` with its interval; ``p_value`` of the result tests that it is 0.

    Arguments as :func:`mean_opinion`; :func:`contrast.contrast` says how unbalanced designs are weighted.

    Raises:
        StudyError: a system without ratings, twice the same, or an unknown claim or method.
    """
    _check(claim, method, level, allow_iid)
    return _estimate(contrast(read_ratings(frame), a, b), claim, method, level, replicates, seed)


def mean_opinions(frame: pandas.DataFrame, systems: Sequence[str] | None = None, **options: Any) -> pandas.DataFrame:
    """:func:`mean_opinion` of every system: column ``system`` and the fields of ``Estimate``."""
    systems = read_ratings(frame).systems if systems is None else systems
    return pandas.DataFrame([{"system": name} | mean_opinion(frame, name, **options).table() for name in systems])


def differences(
    frame: pandas.DataFrame, pairs: str | Sequence[tuple[str, str]] = "all", **options: Any
) -> pandas.DataFrame:
    """:func:`difference` of many pairs, with p values corrected by Holm.

    Args:
        pairs: ``all``, ``reference`` (every system against the first by name), or the pairs themselves.

    Returns:
        Columns ``a``, ``b``, the fields of ``Estimate``, ``p_value`` and ``p_holm``.
    """
    if isinstance(pairs, str):
        check_choice("pairs", pairs, ("all", "reference"))
        systems = read_ratings(frame).systems
        pairs = list(combinations(systems, 2)) if pairs == "all" else [(name, systems[0]) for name in systems[1:]]
    table = pandas.DataFrame([{"a": a, "b": b} | difference(frame, a, b, **options).table() for a, b in pairs])
    if len(table):
        table["p_holm"] = holm(table["p_value"])
    return table


def resample_weights(
    listeners: np.ndarray, sentences: np.ndarray, replicates: int, *, seed: int = 0, claim: str = BOTH
) -> np.ndarray:
    """How often each rating counts in each replicate of the pigeonhole bootstrap.

    Listeners are drawn with replacement, and sentences independently of them (unless ``claim`` is about listeners alone);
    a rating counts as often as its listener times as often as its sentence (McCullagh, Bernoulli 6, 2000; Owen, Annals of
    Applied Statistics 1, 2007). The variance is too large by up to twice the error's share, never too small in the limit.

    Args:
        listeners, sentences: ``[n]``, of each rating; anything that can be told apart.

    Returns:
        float32 ``[replicates, n]``; ``[0, n]`` where the claim cannot be made, of one listener or (for both) one sentence: what
        was drawn once says nothing of the spread, and an interval of no width would be a lie.
    """
    check_choice("claim", claim, CLAIMS)
    generator = np.random.default_rng(seed)
    listener, sentence = (pandas.factorize(np.asarray(codes))[0] for codes in (listeners, sentences))
    if len(np.unique(listener)) < 2 or (claim == BOTH and len(np.unique(sentence)) < 2):
        return np.empty((0, len(listener)), dtype=np.float32)
    weights = _draw(generator, listener, replicates)[:, listener]
    return weights * _draw(generator, sentence, replicates)[:, sentence] if claim == BOTH else weights


def percentile_interval(replicates: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Bounds that hold the middle ``level`` of the replicates that are numbers.

    NaN without any, and where all are alike (every answer right): resampling then knows nothing of the spread.
    """
    check_level(level)
    values = np.asarray(replicates, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return np.nan, np.nan
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _check(claim: str, method: str, level: float, allow_iid: bool) -> None:
    check_choice("claim", claim, CLAIMS)
    check_choice("method", method, METHODS)
    check_level(level)
    if method == "iid" and not allow_iid:
        raise StudyError(
            "method 'iid' takes ratings of one listener or sentence as independent, which finds differences that are not "
            "there in 9 to 47 of 100 studies; leave it out, or say allow_iid=True to show how wrong it is"
        )


def _estimate(of: Contrast, claim: str, method: str, level: float, replicates: int, seed: int) -> Estimate:
    """The interval of a weighted sum by the method asked for."""
    mean = of.estimate
    facts = {"method": method, "claim": claim, "level": level, "note": of.note, **of.counts}
    if method == "iid":
        n, freedom = len(of.values), max(len(of.values) - 1, 1)
        residuals = of.values - of.design.fixed @ (of.design.fixed.T @ of.values)
        spread = float(residuals @ residuals) / max(n - of.design.fixed.shape[1], 1)
        se = np.sqrt(spread * of.design.target[CELL]) or np.nan
    else:
        variance = of.design.variance(of.values, (LISTENER, SENTENCE, CELL) if claim == BOTH else (LISTENER, CELL))
        se, freedom = np.sqrt(variance.value), variance.freedom
    if of.counts["listeners"] < 2 or (claim == BOTH and of.counts["sentences"] < 2):
        return Estimate(mean, np.nan, np.nan, **facts)
    half = stats.t.ppf(0.5 + level / 2, freedom) * se
    low, high = mean - half, mean + half
    if method in ("bootstrap", "pigeonhole"):
        draws = np.concatenate(list(_replicates(of, claim, replicates, seed)))
        stretch = 1.0
        if method == "bootstrap":  # the shape of the bootstrap, the width of the crossed variance
            wide = stats.t.ppf(0.5 + level / 2, freedom) / stats.norm.ppf(0.5 + level / 2)
            stretch = wide * se / np.nanstd(draws) if np.nanstd(draws) > 0 else np.nan
        low, high = percentile_interval(mean + (draws - mean) * stretch, level)
    return Estimate(mean, float(low), float(high), se=float(se), freedom=float(freedom), **facts)


def _replicates(of: Contrast, claim: str, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """The sum, resampled: each side's weights and the drawn counts are normalised to what they were."""
    generator = np.random.default_rng(seed)
    w = of.design.weights
    adjusted = of.estimate * (w > 0) + of.values - of.design.fixed @ (of.design.fixed.T @ of.values)
    sides = [np.where(side, w, 0.0) for side in (w > 0, w < 0)]
    batch = max(1, _BATCH // len(w))
    for start in range(0, replicates, batch):
        count = min(batch, replicates - start)
        drawn = _draw(generator, of.listener, count)[:, of.listener]
        if claim == BOTH:
            drawn = drawn * _draw(generator, of.sentence, count)[:, of.sentence]
        total = np.zeros(count)
        with np.errstate(invalid="ignore"):
            for side in sides:
                if side.any():
                    total += drawn @ (side * adjusted) / np.abs(drawn @ side) * np.abs(side.sum())
        yield total


def _draw(generator: np.random.Generator, codes: np.ndarray, replicates: int) -> np.ndarray:
    """float32 ``[replicates, groups]``, how often each group is drawn."""
    groups = int(codes.max()) + 1
    return generator.multinomial(groups, np.full(groups, 1 / groups), size=replicates).astype(np.float32)

"""Strengths from paired preferences with ties: Bradley and Terry's model with Davidson's ties, and two-way bootstrap intervals.

    P(i over j) = π_i / D,   P(no preference) = ν √(π_i π_j) / D,   D = π_i + π_j + ν √(π_i π_j)

(Davidson, JASA 65, 1970). ``ability`` is log π with mean 0 over the systems: a difference of 1 is odds of 2.7 : 1 among
the preferences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas

from listening_tests.errors import StudyError

from .crossed_bootstrap import percentile_interval, resample_weights
from .estimate import BOTH

RIDGE = 1e-3  # penalty that keeps an ability finite for a system that won everything
STEPS = 60


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """Attributes: ``abilities`` a row a system (system, ability, low, high, wins, losses, ties); ``tie``: ν."""

    abilities: pandas.DataFrame
    tie: float


def bradley_terry(frame: pandas.DataFrame, *, claim: str = BOTH, replicates: int = 400, seed: int = 0) -> BradleyTerry:
    """Fit; ``frame``: columns listener, sentence, system, against, value (1 system preferred, 0 the other, 0.5 neither).

    Raises:
        StudyError: fewer than two systems, or a value that is none of the three.
    """
    values = frame["value"].to_numpy(float)
    if not np.isin(values, (0.0, 0.5, 1.0)).all():
        raise StudyError("Bradley-Terry takes preferences of 0, 0.5 or 1; analyse other values as differences")
    systems = list(dict.fromkeys([*frame["against"], *frame["system"]]))
    if len(systems) < 2:
        raise StudyError("Bradley-Terry compares systems, but fewer than two were; give pairs")
    index = {name: place for place, name in enumerate(systems)}
    first, second = (frame[column].map(index).to_numpy(int) for column in ("system", "against"))
    outcome = np.select([values == 1.0, values == 0.0], [0, 1], 2)
    counts = _count(np.ones(len(frame)), first, second, outcome, len(systems))
    abilities, tie = fit(counts)
    weights = resample_weights(frame["listener"], frame["sentence"], replicates, seed=seed, claim=claim)
    drawn = [fit(_count(w, first, second, outcome, len(systems)))[0] for w in weights if w.sum() > 0]
    bounds = [percentile_interval(column) for column in np.array(drawn).reshape(-1, len(systems)).T]
    wins = counts[0].sum(axis=1)
    table = pandas.DataFrame({
        "system": systems, "ability": abilities, "low": [low for low, _ in bounds], "high": [high for _, high in bounds],
        "wins": wins.astype(int), "losses": counts[0].sum(axis=0).astype(int),
        "ties": (counts[1].sum(axis=1) + counts[1].sum(axis=0)).astype(int),
    })  # fmt: skip
    return BradleyTerry(table.sort_values("ability", ascending=False, ignore_index=True), tie)


def fit(counts: np.ndarray, ridge: float = RIDGE) -> tuple[np.ndarray, float]:
    """Most likely abilities and ν, by Newton's method on a concave likelihood.

    Args:
        counts: float64 ``[2, K, K]``: how often row beat column; and ties of row and column (each pair in one place).
        ridge: penalty on abilities and on log ν.

    Returns:
        abilities ``[K]`` of mean 0, and ν.
    """
    wins, ties = counts
    size = len(wins)
    i, j = np.triu_indices(size, 1)
    table = np.stack([wins[i, j], wins[j, i], ties[i, j] + ties[j, i]], axis=1)  # [pairs, outcomes]
    features = np.zeros((len(i), 3, size + 1))
    places = np.arange(len(i))
    features[places, 0, i] = features[places, 1, j] = 1.0
    features[places, 2, i] = features[places, 2, j] = 0.5
    features[:, 2, size] = 1.0
    total, theta = table.sum(axis=1), np.zeros(size + 1)
    for _ in range(STEPS):
        logits = features @ theta
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        mean = np.einsum("po,pof->pf", chance, features)
        gradient = np.einsum("po,pof->f", table, features) - total @ mean - ridge * theta
        second = np.einsum("p,po,pof,pog->fg", total, chance, features, features)
        hessian = second - (mean.T * total) @ mean + ridge * np.eye(size + 1)
        step = np.linalg.solve(hessian, gradient)
        theta += step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return theta[:size] - theta[:size].mean(), float(np.exp(theta[size]))


def _count(weights: np.ndarray, first: np.ndarray, second: np.ndarray, outcome: np.ndarray, size: int) -> np.ndarray:
    winner, loser = np.where(outcome == 1, second, first), np.where(outcome == 1, first, second)
    cell = (outcome == 2) * size * size + winner * size + loser
    return np.bincount(cell, weights, minlength=2 * size * size).reshape(2, size, size)

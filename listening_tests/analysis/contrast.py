"""The difference of two systems as one weighted sum of ratings, for whatever design the ratings come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from listening_tests.errors import StudyError

from .crossed_data import Ratings
from .crossed_variance import Design, build_design, two_way_design

PAIRED_SHARE = 0.9  # of the two systems' ratings, from which on the rest may be left out
EFFICIENCY = 1.1  # other systems' ratings are used where they make the error variance smaller by more than this factor


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """``design.weights @ values`` is the difference.

    Attributes:
        design: of the rows used.
        values: float64 ``[n]``: differences within a listener and sentence, or ratings.
        listener, sentence: int64 ``[n]``, of the rows.
        note: what was left out or could not be done.
    """

    design: Design
    values: np.ndarray
    listener: np.ndarray
    sentence: np.ndarray
    counts: dict[str, int]
    note: str = ""

    @property
    def estimate(self) -> float:
        """The difference."""
        return float(self.design.weights @ self.values)


def contrast(ratings: Ratings, a: str, b: str) -> Contrast:
    """``a`` minus ``b``.

    Where listeners heard both systems in the same sentence, the mean of the differences within. Elsewhere (Latin squares,
    incomplete blocks) the least-squares difference given listener, sentence and system as additive effects, so that a
    mild listener or a hard sentence that met one system oftener is no advantage to it; where every listener hears both
    equally often, as every sentence does, that is the difference of the two means. Ratings of other systems are drawn on
    only where they tell something of listeners and sentences that the two do not.

    Raises:
        StudyError: a system without ratings, or twice the same.
    """
    first, second = ratings.code(a), ratings.code(b)
    if first == second:
        raise StudyError(f"a difference of {a!r} from itself is always 0; give two systems")
    pair = ratings.of((ratings.system == first) | (ratings.system == second))
    width = int(pair.sentence.max()) + 1
    cell = pair.listener * width + pair.sentence
    side = pair.system == first
    both, at_a, at_b = np.intersect1d(cell[side], cell[~side], assume_unique=True, return_indices=True)
    if 2 * len(both) >= PAIRED_SHARE * len(cell):
        values = pair.value[side][at_a] - pair.value[~side][at_b]
        listener, sentence = (np.unique(codes, return_inverse=True)[1] for codes in (both // width, both % width))
        left = len(cell) - 2 * len(both)
        counts = {"listeners": int(listener.max()) + 1, "sentences": int(sentence.max()) + 1, "ratings": 2 * len(both)}
        note = f"{left} ratings left out whose listener did not rate the other system in that sentence" if left else ""
        return Contrast(two_way_design(listener, sentence), values, listener, sentence, counts, note)
    return _unpaired(ratings, pair, first, second)


def _unpaired(ratings: Ratings, pair: Ratings, first: int, second: int) -> Contrast:
    used, chosen = pair, _least_squares(pair, first, second)
    if len(ratings.systems) > 2:
        full = _least_squares(ratings, first, second)
        richer = chosen.note and not full.note
        if richer or (chosen.note == full.note and chosen.error > EFFICIENCY * full.error):
            used, chosen = ratings, full
    systems = np.unique(used.system, return_inverse=True)[1]
    cell = np.unique(used.listener * (int(used.sentence.max()) + 1) + used.sentence, return_inverse=True)[1]
    width = int(systems.max()) + 1
    effects = tuple(
        np.unique(codes * width + systems, return_inverse=True)[1] for codes in (used.listener, used.sentence)
    )
    design = build_design((used.listener, used.sentence, cell), effects, chosen.fixed, chosen.weights)
    return Contrast(design, used.value, used.listener, used.sentence, pair.counts, chosen.note)


@dataclass(frozen=True, slots=True, eq=False)
class _LeastSquares:
    """``weights @ values`` is the difference, in the richest additive model that can tell it; ``fixed`` spans that model."""

    fixed: np.ndarray
    weights: np.ndarray
    note: str

    @property
    def error(self) -> float:
        return float(self.weights @ self.weights)


def _least_squares(ratings: Ratings, first: int, second: int) -> _LeastSquares:
    keys = [codes.astype(np.int64).tobytes() for codes in (ratings.listener, ratings.sentence, ratings.system)]
    names = np.unique(ratings.system)
    goal = (names == first).astype(float) - (names == second)
    for adjusted, note in (
        ("listener sentence", ""),
        ("listener", "no adjustment for sentences: the systems share too few"),
        ("sentence", "no adjustment for listeners: too few heard both systems"),
    ):
        u, s, vt = _additive_model(*keys, adjusted)
        weights = _estimable(goal, u, s, vt)
        if weights is not None:
            return _LeastSquares(u, weights, note)
    u, s, vt = _additive_model(*keys, "")
    note = "no adjustment for listeners or sentences: the systems share too few of either"
    return _LeastSquares(u, u @ (vt @ goal / s), note)


def _estimable(goal: np.ndarray, u: np.ndarray, s: np.ndarray, vt: np.ndarray) -> np.ndarray | None:
    """Weights of the ratings whose sum is the contrast ``goal`` of the systems, None if the model cannot tell it."""
    wanted = np.concatenate([goal, np.zeros(vt.shape[1] - len(goal))])
    if np.abs(vt.T @ (vt @ wanted) - wanted).max() > 1e-8:
        return None
    return u @ ((vt @ wanted) / s)


@lru_cache(maxsize=8)
def _additive_model(
    listener_bytes: bytes, sentence_bytes: bytes, system_bytes: bytes, adjusted: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Singular vectors and values, of full rank, of the indicators of system and of what is adjusted for."""
    listener, sentence, system = (np.frombuffer(b, np.int64) for b in (listener_bytes, sentence_bytes, system_bytes))
    columns = [np.unique(system, return_inverse=True)[1]]
    columns += [codes for name, codes in (("listener", listener), ("sentence", sentence)) if name in adjusted]
    u, s, vt = np.linalg.svd(
        np.concatenate([np.eye(int(c.max()) + 1)[c] for c in columns], axis=1), full_matrices=False
    )
    rank = int((s > s[0] * 1e-10).sum())
    return u[:, :rank], s[:rank], vt[:rank]

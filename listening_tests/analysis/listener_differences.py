"""Each listener's own difference between two systems."""

from __future__ import annotations

import numpy as np
import pandas

from listening_tests.errors import StudyError

from .contrast import contrast
from .crossed_data import Ratings, read_ratings


def listener_differences(frame: pandas.DataFrame, a: str, b: str) -> np.ndarray:
    """Mean of ``a`` minus mean of ``b`` by listener, for those who rated both.

    Where listeners hear a sentence in one system only, how hard the sentences were is taken out first (the least-squares
    effects of sentences over all systems), so that the luck of who got which sentence is no difference.

    Returns:
        float64 ``[listeners]``, in the order of their names.

    Raises:
        StudyError: a system without ratings, or no listener who rated both.
    """
    ratings = read_ratings(frame)
    first, second = ratings.code(a), ratings.code(b)
    if first == second:
        raise StudyError(f"a difference of {a!r} from itself is always 0; give two systems")
    values = ratings.value if _paired(ratings, a, b) else ratings.value - _sentence_effects(ratings)
    count = int(ratings.listener.max()) + 1
    means, heard = [], np.ones(count, dtype=bool)
    for code in (first, second):
        rows = ratings.system == code
        number = np.bincount(ratings.listener[rows], minlength=count)
        heard &= number > 0
        means.append(np.bincount(ratings.listener[rows], values[rows], minlength=count) / np.maximum(number, 1))
    if not heard.any():
        raise StudyError(f"no listener rated both {a!r} and {b!r}: there is no difference within listeners")
    return (means[0] - means[1])[heard]


def _paired(ratings: Ratings, a: str, b: str) -> bool:
    """Whether every rating of the two has its counterpart by the same listener in the same sentence."""
    of = contrast(ratings, a, b)
    return len(of.values) * 2 == int(np.isin(ratings.system, [ratings.code(a), ratings.code(b)]).sum())


def _sentence_effects(ratings: Ratings) -> np.ndarray:
    """float64 ``[n]``, the additive effect of each row's sentence given listeners and systems."""
    groups = [ratings.sentence, ratings.listener, ratings.system]
    x = np.concatenate([np.eye(int(codes.max()) + 1)[codes] for codes in groups], axis=1)
    effects = np.linalg.lstsq(x, ratings.value, rcond=None)[0][: int(ratings.sentence.max()) + 1]
    return (effects - effects.mean())[ratings.sentence]

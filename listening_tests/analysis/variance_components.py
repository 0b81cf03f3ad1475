"""What makes ratings differ: listeners, sentences, their tastes for systems, and chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from itertools import product

import numpy as np
import pandas
from scipy import optimize, sparse

from .crossed_data import Ratings, read_ratings


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """Standard deviations in points of the scale; the defaults are what the project assumes before a pilot is had.

    Attributes:
        listener, sentence: severity of a listener, difficulty of a sentence; they cancel in a balanced difference.
        listener_system, sentence_system: how much the difference of systems varies from one to the next.
        listener_sentence: shared by all systems; told apart from ``error`` only where a listener hears a sentence twice.
        error: of a single rating.
    """

    listener: float = 0.5
    sentence: float = 0.3
    listener_system: float = 0.30
    sentence_system: float = 0.20
    listener_sentence: float = 0.0
    error: float = 0.75

    def table(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)


def variance_components(frame: pandas.DataFrame) -> Components:
    """Estimate them by the method of moments, for complete and incomplete designs alike.

    For every grouping the squared sums of the ratings (less their system's mean) have an expectation linear in the
    variances, known from the design; the equations are solved for variances that are not negative (Searle, Casella and
    McCulloch, Variance Components, 1992, section 5.3). A component that the design cannot tell from another shares with it.

    Raises:
        StudyError: no ratings.
    """
    ratings = read_ratings(frame)
    names, groups = _groupings(ratings)
    centred = ratings.value - (np.bincount(ratings.system, ratings.value) / np.bincount(ratings.system))[ratings.system]
    forms = np.array([float(np.sum(np.bincount(codes, centred) ** 2)) for codes in groups])
    expectation = _expectation(groups, ratings.system)
    scale = np.maximum(np.diag(expectation), 1e-300)
    solved, _ = optimize.nnls(expectation / scale[:, None], forms / scale)
    found = dict(zip(names, np.sqrt(solved), strict=True))
    return Components(**{item.name: float(found.get(item.name, 0.0)) for item in fields(Components)})


def _groupings(ratings: Ratings) -> tuple[list[str], list[np.ndarray]]:
    """Codes a component, of those that the design can tell from a rating's own error."""
    listener, sentence, system = ratings.listener, ratings.sentence, ratings.system
    systems, sentences = len(ratings.systems), int(sentence.max()) + 1
    candidates = {
        "listener": listener,
        "sentence": sentence,
        "listener_system": listener * systems + system,
        "sentence_system": sentence * systems + system,
        "listener_sentence": listener * sentences + sentence,
    }
    groups = {name: np.unique(codes, return_inverse=True)[1] for name, codes in candidates.items()}
    if systems == 1:  # a system's own effect is no other than the main one
        del groups["listener_system"], groups["sentence_system"]
    told = {name: codes for name, codes in groups.items() if int(codes.max()) + 1 < len(codes)}
    told["error"] = np.arange(len(system))
    return list(told), list(told.values())


def _expectation(groups: list[np.ndarray], system: np.ndarray) -> np.ndarray:
    """``|| Z_k' M Z_j ||^2``, where M takes off the mean of each system: ``[groups, groups]``."""
    n = len(system)
    z = [sparse.csr_array((np.ones(n), (np.arange(n), codes))) for codes in groups]
    of_system = sparse.csr_array((1 / np.sqrt(np.bincount(system))[system], (np.arange(n), system)))
    low = [(part.T @ of_system).toarray() for part in z]
    out = np.zeros((len(z), len(z)))
    for k, j in product(range(len(z)), repeat=2):
        counts = z[k].T @ z[j]
        out[k, j] = (counts.power(2)).sum() - 2 * np.sum(low[k] * (counts @ low[j]))
        out[k, j] += np.sum((low[k].T @ low[k]) * (low[j].T @ low[j]))
    return out

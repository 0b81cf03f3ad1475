"""Ratings as codes: who, which sentence, which system, what value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas

from harness.corpus import did_you_mean
from listening_tests.errors import StudyError

COLUMNS = ("listener", "sentence", "system", "value")


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """One row a listener, sentence and system.

    Attributes:
        listener, sentence, system: int64 ``[n]``, codes from 0.
        value: float64 ``[n]``.
        systems: names, in the order of their codes.
    """

    listener: np.ndarray
    sentence: np.ndarray
    system: np.ndarray
    value: np.ndarray
    systems: tuple[str, ...]

    def code(self, name: str) -> int:
        """Of a system.

        Raises:
            StudyError: it has no ratings.
        """
        if name not in self.systems:
            raise StudyError(
                f"no ratings of the system {name!r}{did_you_mean(name, self.systems)}; rated: {', '.join(self.systems)}"
            )
        return self.systems.index(name)

    def of(self, rows: np.ndarray) -> Ratings:
        """The rows chosen, with listeners and sentences numbered afresh and systems as they were."""
        renumbered = [np.unique(codes[rows], return_inverse=True)[1] for codes in (self.listener, self.sentence)]
        return Ratings(*renumbered, self.system[rows], self.value[rows], self.systems)

    @property
    def counts(self) -> dict[str, int]:
        """How many listeners, sentences and ratings."""
        return {
            "listeners": len(np.unique(self.listener)),
            "sentences": len(np.unique(self.sentence)),
            "ratings": len(self.value),
        }


def read_ratings(frame: pandas.DataFrame) -> Ratings:
    """Check a frame and number its words; ratings of one listener, sentence and system are averaged.

    Args:
        frame: columns ``listener``, ``sentence``, ``system``, ``value``; rows whose value is NaN are left out.

    Raises:
        StudyError: a column missing, a value infinite or no number, or nothing rated.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise StudyError(f"the ratings have no column {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
    try:
        value = frame["value"].to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise StudyError("the ratings' column value holds what is no number; give numbers") from None
    if np.isinf(value).any():
        raise StudyError("the ratings' column value holds infinite values; mend or leave out those rows")
    kept = ~np.isnan(value)
    if not kept.any():
        raise StudyError("no ratings: nothing to analyse; check the filters, or collect some")
    codes, names = zip(
        *(pandas.factorize(frame[name].to_numpy()[kept], sort=True) for name in COLUMNS[:3]), strict=True
    )
    if any((code < 0).any() for code in codes):
        raise StudyError("a rating has no listener, sentence or system; leave out the rows where one is missing")
    shape = tuple(len(group) for group in names)
    cell, where = np.unique(np.ravel_multi_index(codes, shape), return_inverse=True)
    mean = np.bincount(where, weights=value[kept]) / np.bincount(where)
    listener, sentence, system = np.unravel_index(cell, shape)
    return Ratings(listener, sentence, system, mean, tuple(str(name) for name in names[2]))

"""What a measure of a seam is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.seams.signal import Signal


@dataclass(frozen=True, slots=True)
class Measure:
    """A number at a position, larger where the signal breaks more.

    Attributes:
        name, unit: as in tables and figures.
        at: signal and positions int64 ``[k]`` to values float64 ``[k]``; NaN where the measure does not exist.
        sees: in words, for the report: the defect that it was made for.
        skewed: never negative and with a long tail; a classifier takes its logarithm.
        alike: whether a seam's match inside the file is to be like it in voicing and level. Not so for a measure of
            level itself: a pause that the seam made would be matched with another pause.
    """

    name: str
    unit: str
    at: Callable[[Signal, np.ndarray], np.ndarray]
    sees: str
    skewed: bool = True
    alike: bool = True

"""A jump in time: phase deviation that grows with frequency."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.measures.phases import bin_width_hz, deviations
from harness.seams.signal import Signal


def group_delay(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Magnitude in ms of the group delay of the phase deviation: its slope against frequency.

    The slope is the angle of the weighted products of neighbouring bins, which needs no unwrapping.
    """
    turned, weight = deviations(signal, positions.astype(np.int64).tobytes())
    weighted = turned * weight
    slope = np.angle((weighted[:, 1:] * np.conj(weighted[:, :-1])).sum(axis=1))  # radians a bin
    return np.abs(1000 * slope / (2 * np.pi * bin_width_hz())).astype(np.float64)


MEASURE = Measure("group_delay", "ms", group_delay, "slips: samples skipped or repeated")

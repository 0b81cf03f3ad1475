"""A jump in time: phase deviation that grows with frequency."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.measures.phases import bin_width_hz, deviations
from harness.seams.signal import Signal

LAGS = (4, 6, 8, 10)  # bins, 125 to 312 Hz: from one harmonic to the next; within one, all bins turn alike


def group_delay(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Magnitude in ms of the group delay of the phase deviation: its slope against frequency.

    The slope is the angle of the weighted products of bins some way apart, which needs no unwrapping; mean over lags.
    """
    turned, weight = deviations(signal, positions.astype(np.int64).tobytes())
    weighted = turned * weight
    slopes = [np.angle((weighted[:, lag:] * np.conj(weighted[:, :-lag])).sum(axis=1)) / lag for lag in LAGS]
    return np.abs(1000 * np.mean(slopes, axis=0) / (2 * np.pi * bin_width_hz())).astype(np.float64)  # radians a bin


MEASURE = Measure("group_delay", "ms", group_delay, "slips: samples skipped or repeated")

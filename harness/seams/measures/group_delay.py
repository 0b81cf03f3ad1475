"""A jump in time: phase deviation that grows with frequency."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.measures.phases import bin_width_hz, jump_and_slope
from harness.seams.signal import Signal


def group_delay(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Magnitude in ms of the group delay of the phase deviation: its slope against frequency."""
    _, slope = jump_and_slope(signal, positions.astype(np.int64).tobytes())
    return np.abs(1000 * slope / (2 * np.pi * bin_width_hz()))


MEASURE = Measure("group_delay", "ms", group_delay, "slips: samples skipped or repeated")

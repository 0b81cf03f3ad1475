"""A jump of phase that all harmonics share."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.measures.phases import jump_and_slope
from harness.seams.signal import Signal


def phase_deviation(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Magnitude in degrees of the weighted circular mean over bins of the phase deviation."""
    jump, _ = jump_and_slope(signal, positions.astype(np.int64).tobytes())
    return np.abs(np.degrees(jump))


MEASURE = Measure("phase_deviation", "°", phase_deviation, "jumps of phase common to all harmonics")

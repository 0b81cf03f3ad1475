"""A change of level, the other classic join cost."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.signal import SIDE, Signal


def energy_step_db(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Absolute difference in dB of the energies of the 20 ms before and after."""
    return np.abs(signal.energy_db(positions, SIDE) - signal.energy_db(positions - SIDE, SIDE))


MEASURE = Measure("energy_step_db", "dB", energy_step_db, "large steps of level")

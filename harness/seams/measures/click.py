"""A spike of the linear prediction's residual exactly at the position."""

from __future__ import annotations

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.signal import QUIET, Signal

CLICK, AROUND = 4, 240  # samples: ±0.25 ms and ±15 ms at 16 kHz
BLOCK = 2048  # positions at a time, which bounds the memory that a long file needs


def click(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Log of the peak \\|residual\\| within ±0.25 ms, minus the log of its median within ±15 ms."""
    values = np.zeros(len(positions))
    middle = slice(AROUND - 1, AROUND + 1)
    for first in range(0, len(positions), BLOCK):
        block = positions[first : first + BLOCK]
        peak = signal.stretch(block, -CLICK, CLICK, signal.residual).max(axis=1, initial=0)
        around = signal.stretch(block, -AROUND, AROUND, signal.residual)
        median = np.partition(around, (AROUND - 1, AROUND), axis=1)[:, middle].mean(axis=1)
        values[first : first + BLOCK] = np.log(peak + QUIET) - np.log(median + QUIET)
    return values


MEASURE = Measure("click", "log ratio", click, "steps of level, jumps of phase, slips, clicks", skewed=False)

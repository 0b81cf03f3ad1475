"""How loud a rendering is, and by how much to turn it so that it is as loud as its recording."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamflow.audio import GATE_S, SAMPLE_RATE

QUIETEST = -70.0  # LUFS: the absolute gate of BS.1770; what is below has no loudness
HIGHEST_PEAK = 0.99  # full scale


class Gain(NamedTuple):
    """By how much to turn: ``db``, and whether that is less than it takes, as more would clip."""

    db: float
    capped: bool


def loudness_of(samples: np.ndarray) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4, both gates) of float32 ``[n]`` at 16 kHz; -70 for silence."""
    import pyloudnorm  # with scipy.signal and more: not in the server's process

    padded = np.pad(samples, (0, max(0, int(GATE_S * SAMPLE_RATE) + 1 - len(samples))), mode="wrap")
    measured = float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(padded.astype(np.float64)))
    return measured if math.isfinite(measured) else QUIETEST


def gain_between(samples: np.ndarray, reference: np.ndarray) -> Gain:
    """What brings ``samples`` to the loudness of ``reference``, or as near as their peak allows; float32 ``[n]``, ``[m]``.

    Silence is left as it is.
    """
    level = loudness_of(samples)
    if level <= QUIETEST:
        return Gain(0.0, False)
    headroom = 20 * math.log10(HIGHEST_PEAK / max(float(np.abs(samples).max()), 1e-9))
    wanted = loudness_of(reference) - level
    return Gain(min(wanted, headroom), wanted > headroom)

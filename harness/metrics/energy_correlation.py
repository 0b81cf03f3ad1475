"""Energy correlation: whether loudness rises and falls with the reference, accents and pauses included."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored

FRAME, HOP = 400, 160  # samples: 25 and 10 ms
RANGE_DB = 60.0  # below each signal's loudest frame: pauses count as pauses, whatever their noise floor
STILL_DB = 0.01  # standard deviation under which there is nothing to correlate


def energy_correlation(pair: Pair) -> float | Unscored:
    """Pearson correlation of the energies of frames in dB, -1 to 1; a gain leaves it alone."""
    contours = []
    for name, samples in (("rendering", pair.degraded), ("reference", pair.reference)):
        contours.append(energy_contour(samples))
        if contours[-1].std() < STILL_DB:
            return Unscored(f"the energy of the {name} does not vary (under {STILL_DB} dB)")
    return float(np.corrcoef(contours[0], contours[1])[0, 1])


def energy_contour(samples: np.ndarray) -> np.ndarray:
    """Energy of frames of 25 ms every 10 ms in dB, floored 60 dB below the loudest: float ``[n]`` to float64 ``[f]``."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), FRAME)[::HOP]
    decibels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-30)
    return np.maximum(decibels, decibels.max() - RANGE_DB)


METRIC = Metric(
    name="energy_correlation",
    unit="",
    direction="higher",
    source="Pearson correlation of short-time log energy",
    function=energy_correlation,
    parameters="25ms,hop10ms,dB,floor-60dB",
    minimum_s=0.25,
    standard=True,
)

"""Log-spectral distance: the root mean square difference of spectra in dB, bin by bin."""

from __future__ import annotations

import numpy as np
from scipy import fft

from harness.metrics.base import Metric, Pair

FRAME, HOP = 512, 128  # samples: 32 and 8 ms
RANGE_DB = 80.0  # below the reference's loudest bin; beneath it lies noise floor, not speech


def log_spectral_distance(pair: Pair) -> float:
    """Mean over frames of the RMS over 1 to 8000 Hz of the difference in dB, once levels are matched.

    One gain brings the rendering to the reference's RMS; both are floored 80 dB below the loudest bin of the reference.
    """
    gain = np.sqrt(np.mean(pair.reference**2, dtype=np.float64) / np.mean(pair.degraded**2, dtype=np.float64))
    reference, degraded = _decibels(pair.reference, 1.0), _decibels(pair.degraded, gain)
    floor = reference.max() - RANGE_DB
    difference = np.maximum(degraded, floor) - np.maximum(reference, floor)
    return float(np.sqrt((difference**2).mean(axis=1)).mean())


def _decibels(samples: np.ndarray, gain: float) -> np.ndarray:
    """Power spectra of Hann frames without DC, dB: float64 ``[f, 256]``."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), FRAME)[::HOP]
    window = np.hanning(FRAME + 1)[:-1]
    spectra = fft.rfft(frames * (gain * window), axis=1)[:, 1:]
    return 10 * np.log10(spectra.real**2 + spectra.imag**2 + 1e-30)


METRIC = Metric(
    name="log_spectral_distance",
    unit="dB",
    direction="lower",
    source="Gray and Markel, IEEE TASSP 24(5), 1976",
    function=log_spectral_distance,
    parameters="16kHz,hann512,hop128,without-dc,rms-matched,floor-80dB,rms-over-bins,mean-over-frames",
    minimum_s=0.25,
    standard=True,
)

"""A change of the spectrum, a classic join cost (Vepa, King and Taylor, ICSLP 2002)."""

from __future__ import annotations

import functools

import numpy as np
from scipy import fft

from harness.seams.measures.base import Measure
from harness.seams.signal import QUIET, SIDE, Signal

BLOCK = 2048  # spectra at a time, which bounds the memory that a long file needs


def mel_flux(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Mean absolute difference in dB of the 80-band log-mel spectra of the 20 ms before and after."""
    starts, where = np.unique(np.concatenate([positions - SIDE, positions]), return_inverse=True)
    blocks = (starts[first : first + BLOCK] for first in range(0, len(starts), BLOCK))
    mel = np.concatenate([_log_mel(signal.stretch(block, 0, SIDE) * np.hanning(SIDE)) for block in blocks])[where]
    return np.abs(mel[len(positions) :] - mel[: len(positions)]).mean(axis=1)


def _log_mel(frames: np.ndarray) -> np.ndarray:
    magnitude = np.abs(fft.rfft(frames, 2 * (_filters().shape[0] - 1), axis=1))
    return 20 * np.log10(magnitude @ _filters() + QUIET)


@functools.cache
def _filters() -> np.ndarray:
    from streamflow.mel import mel_filterbank

    return np.ascontiguousarray(mel_filterbank().numpy().T.astype(np.float64))


MEASURE = Measure("mel_flux", "dB", mel_flux, "changes of timbre: the spectrum before and after differ")

"""How the phases across a position differ from what the frequencies on either side lead one to expect."""

from __future__ import annotations

import functools

import numpy as np
from scipy import fft

from harness.seams.positions import SAMPLE_RATE
from harness.seams.signal import Signal

WINDOW = 320  # samples, 20 ms: two periods of a low voice
APART = 80  # samples, 5 ms: frames centred so far before and after; their windows overlap by their feet only
N_FFT = 512
BINS = slice(5, 128)  # 156 Hz to 4 kHz: where speech has harmonics
COMPRESSION = 0.5  # of magnitudes as weights: or the loudest harmonic alone would speak
LAGS = (4, 6, 8, 10)  # bins, 125 to 312 Hz: from one harmonic to the next; within one, all bins turn alike
BLOCK = 2048  # positions at a time: an hour of audio is to need no more memory than a minute


@functools.lru_cache(maxsize=4)
def jump_and_slope(signal: Signal, positions: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Jump of phase across each position, in radians, and its slope against frequency, in radians a bin.

    Expected of each bin is the phase before plus the time between times the mean of the instantaneous frequencies on
    either side, which is exact where a frequency moves linearly. Instantaneous frequencies are by reassignment (Auger
    and Flandrin, IEEE Trans. Signal Processing 43, 1995), so no phase need be unwrapped. The idea of prediction is the
    phase deviation of onset detectors (Bello et al., IEEE Trans. Speech and Audio Processing 13, 2005). The jump is the
    weighted circular mean of the deviations, the slope the mean over lags of the angle of weighted products of bins so
    far apart, which need not be unwrapped either.

    Args:
        positions: int64 as bytes, so that two measures of the same positions share one computation.

    Returns:
        float64 ``[k]`` each, signed.
    """
    at = np.frombuffer(positions, np.int64)
    jump, slope = np.zeros(len(at)), np.zeros(len(at))
    for start in range(0, len(at), BLOCK):
        weighted = _deviations(signal, at[start : start + BLOCK])
        jump[start : start + BLOCK] = np.angle(weighted.sum(axis=1))
        slopes = [np.angle((weighted[:, lag:] * np.conj(weighted[:, :-lag])).sum(axis=1)) / lag for lag in LAGS]
        slope[start : start + BLOCK] = np.mean(slopes, axis=0)
    return jump, slope


def _deviations(signal: Signal, at: np.ndarray) -> np.ndarray:
    """Deviation of the phase after from the one expected from before, by its weight: complex64 ``[k, bins]``."""
    centres, where = np.unique(np.concatenate([at - APART, at + APART]), return_inverse=True)
    spectrum, frequency = _reassigned(signal, centres)
    before, after = where[: len(at)], where[len(at) :]
    advance = (frequency[before] + frequency[after]) * np.float32(0.5 * 2 * APART)
    cross = spectrum[after] * np.conj(spectrum[before])
    size = np.maximum(np.abs(cross), 1e-20)
    return cross * size ** (COMPRESSION - 1) * np.exp(-1j * advance)


def _reassigned(signal: Signal, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra and instantaneous frequencies in radians a sample: ``[k, bins]`` each."""
    frames = signal.stretch(centres, -WINDOW // 2, WINDOW // 2).astype(np.float32)
    time = (np.arange(WINDOW) + 0.5) / WINDOW
    window = (0.5 - 0.5 * np.cos(2 * np.pi * time)).astype(np.float32)
    slope = (np.pi / WINDOW * np.sin(2 * np.pi * time)).astype(np.float32)
    spectrum = fft.rfft(frames * window, N_FFT, axis=1)[:, BINS]
    sloped = fft.rfft(frames * slope, N_FFT, axis=1)[:, BINS]
    power = np.maximum(spectrum.real**2 + spectrum.imag**2, 1e-20)
    correction = (sloped.imag * spectrum.real - sloped.real * spectrum.imag) / power
    bins = (2 * np.pi / N_FFT * np.arange(N_FFT // 2 + 1)[BINS]).astype(np.float32)
    # beyond the main lobe a reassigned frequency is of noise, not of that bin
    return spectrum, bins - np.clip(correction, -np.pi * 4 / WINDOW, np.pi * 4 / WINDOW)


def bin_width_hz() -> float:
    """Between two bins."""
    return SAMPLE_RATE / N_FFT

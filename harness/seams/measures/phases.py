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


@functools.lru_cache(maxsize=4)
def deviations(signal: Signal, positions: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Deviation of the phase after from the one expected from before, and its weight: complex ``[k, bins]``, float.

    Expected of each bin is the phase before plus the time between times the mean of the instantaneous frequencies on
    either side, which is exact where a frequency moves linearly. Instantaneous frequencies are by reassignment (Auger
    and Flandrin, IEEE Trans. Signal Processing 43, 1995), so no phase need be unwrapped. The idea of prediction is the
    phase deviation of onset detectors (Bello et al., IEEE Trans. Speech and Audio Processing 13, 2005).

    Args:
        positions: int64 as bytes, so that two measures of the same positions share one computation.
    """
    at = np.frombuffer(positions, np.int64)
    centres, where = np.unique(np.concatenate([at - APART, at + APART]), return_inverse=True)
    spectrum, frequency = _reassigned(signal, centres)
    before, after = where[: len(at)], where[len(at) :]
    advance = (frequency[before] + frequency[after]) * np.float32(0.5 * 2 * APART)
    cross = spectrum[after] * np.conj(spectrum[before])
    weight = np.abs(cross) ** COMPRESSION
    turned = cross / np.maximum(np.abs(cross), 1e-20) * np.exp(-1j * advance)
    return turned, weight


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

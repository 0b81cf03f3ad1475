"""The delay between a rendering and its reference: estimated once a pair, compensated alike for every metric.

A generative decoder keeps the timing of speech and not its waveform, so the waveforms of a pair need not correlate.
Timing is therefore taken from the log energies of bands, in steps of 1 ms (a vocoder that puts the energy of a pitch
period elsewhere moves it by up to some 3 ms: measured with WORLD); where the waveforms do correlate (codecs, close
vocoders, filters), they refine it to the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import fft

LIMIT_S = 1.0  # largest delay looked for, either way; a quarter of the shorter signal where that is less
LEAST_LIMIT_S = 0.1  # but always so much
STEP = 16  # samples between envelope points: 1 ms at 16 kHz
WINDOW = 256  # samples of an envelope point: 16 ms, resolves the bands
BANDS = 16  # equal steps of the mel-like warping below, 80 Hz to 8 kHz
RANGE_DB = 50.0  # below the loudest band energy; pauses and noise floors beneath it say nothing about timing
CLEAR = 0.3  # envelope correlation below which a pair has no common timing
SAME_WAVEFORM = 0.5  # waveform correlation from which it may refine the delay
REFINE = 24  # samples around the envelope's answer; under half a pitch period of 333 Hz
IDENTITY = "delay=band-envelopes-1ms+waveform,±1s"


@dataclass(frozen=True, slots=True)
class Delay:
    """How much later a rendering is than its reference.

    Attributes:
        samples: positive where the rendering lags; 0 where nothing can be said.
        correlation: of the band envelopes at that delay, at most 1.
        unclear_because: why nothing can be said, or "".
    """

    samples: int
    correlation: float
    unclear_because: str = ""


def estimate_delay(degraded: np.ndarray, reference: np.ndarray, sample_rate: int = 16_000) -> Delay:
    """The delay of ``degraded`` against ``reference``, within ±1 s, or a quarter of the shorter one.

    Args:
        degraded: float ``[n]``.
        reference: float ``[m]``.
        sample_rate: of both, Hz.
    """
    first, second = band_envelopes(degraded, sample_rate), band_envelopes(reference, sample_rate)
    frames, least = min(first.shape[1], second.shape[1]), round(LEAST_LIMIT_S * sample_rate / STEP)
    if frames <= 2 * least:
        return Delay(0, 0.0, f"under {2 * LEAST_LIMIT_S + WINDOW / sample_rate:.2f} s in common")
    limit = min(round(LIMIT_S * sample_rate / STEP), max(least, frames // 4))
    curve = _correlation(first, second, limit)
    peak = int(np.argmax(curve))
    correlation = float(curve[peak])
    if correlation < CLEAR:
        return Delay(0, correlation, f"the two share no timing (envelope correlation {correlation:.2f})")
    if peak in (0, 2 * limit):
        return Delay(0, correlation, f"delay reaches ±{1000 * limit * STEP / sample_rate:.0f} ms or more")
    coarse = (peak - limit) * STEP
    return Delay(_refine(degraded, reference, coarse), correlation)


def compensate(degraded: np.ndarray, reference: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut both signals to where they overlap once the delay (in samples) is taken out; no sample is invented."""
    degraded, reference = degraded[max(0, delay) :], reference[max(0, -delay) :]
    length = min(len(degraded), len(reference))
    return degraded[:length], reference[:length]


def band_envelopes(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log energy (dB) in 16 bands every millisecond, floored 50 dB below the loudest, mean removed: ``[16, frames]``."""
    if len(samples) < WINDOW:
        return np.zeros((BANDS, 0))
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float32), WINDOW)[::STEP]
    spectra = fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)
    power = spectra.real**2 + spectra.imag**2
    hertz = fft.rfftfreq(WINDOW, 1 / sample_rate)
    edges = np.geomspace(80 + 600, min(8000, sample_rate / 2) + 600, BANDS + 1) - 600  # near the mel scale
    inside = [(hertz >= low) & (hertz < max(high, low + hertz[1])) for low, high in pairwise(edges)]  # a bin at least
    energies = np.stack(inside).astype(np.float32) @ power.T
    decibels = 10 * np.log10(energies + 1e-12)
    decibels = np.maximum(decibels, decibels.max() - RANGE_DB)
    return decibels - decibels.mean(axis=1, keepdims=True)


def _correlation(first: np.ndarray, second: np.ndarray, limit: int) -> np.ndarray:
    """Normalised correlation of two sets of envelopes at lags -limit to limit steps."""
    size = fft.next_fast_len(first.shape[1] + second.shape[1], real=True)
    product = fft.rfft(first, size, axis=1) * np.conj(fft.rfft(second, size, axis=1))
    curve = fft.irfft(product.sum(axis=0), size)
    curve = np.concatenate([curve[-limit:], curve[: limit + 1]])
    return curve / (np.linalg.norm(first) * np.linalg.norm(second) + 1e-12)


def _refine(degraded: np.ndarray, reference: np.ndarray, coarse: int) -> int:
    """The best lag by waveform near ``coarse``, where the waveforms agree at all; ``coarse`` otherwise."""
    best, at = SAME_WAVEFORM, coarse
    for lag in sorted(range(coarse - REFINE, coarse + REFINE + 1), key=lambda lag: abs(lag - coarse)):
        first, second = compensate(degraded, reference, lag)
        score = float(first @ second) / (float(np.linalg.norm(first) * np.linalg.norm(second)) + 1e-12)
        if score > best:
            best, at = score, lag
    return at

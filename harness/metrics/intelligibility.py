"""What STOI and ESTOI share: one-third octave bands of a pair at 10 kHz without the reference's silent frames.

pystoi resamples and cuts both signals anew for either measure. Here the bands of a pair are had once for both and those
of a reference once for all that are compared with it, on pystoi's filters and constants.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import fft

from harness.metrics.base import SAMPLE_RATE, Pair
from harness.metrics.content_cache import ContentCache

ACTIVE_S = 0.397  # 30 frames of 25.6 ms at half overlap, silent ones removed
FRAME = 256  # samples at 10 kHz
HOP = FRAME // 2
BLOCK = 2000  # stretches worked on at a time: 7 MB an array
KEPT_REFERENCES = 64  # about 1 MB each for 5 s
KEPT_PAIRS = 4

_references: ContentCache[_Reference] = ContentCache(KEPT_REFERENCES)
_pairs: ContentCache[np.ndarray] = ContentCache(KEPT_PAIRS)


@dataclass(frozen=True, slots=True)
class _Reference:
    """Which frames of 25.6 ms are active, bool ``[f]``, and their bands, float64 ``[15, k]``."""

    active: np.ndarray
    bands: np.ndarray


def segments(pair: Pair) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stretches of 30 frames of the rendering's and the reference's bands: float64 ``[15, s, 30]`` each, read-only.

    In blocks of up to 2000 stretches, 25 s, so that memory does not grow with the length; no block where the reference
    has fewer than 30 active frames.
    """
    from pystoi.stoi import N

    reference = _references.get((pair.reference,), lambda: _analyse(pair.reference))
    if reference.bands.shape[1] < N:
        return []
    bands = _pairs.get((pair.degraded, pair.reference), lambda: _bands(_frames(pair.degraded)[reference.active]))
    degraded, clean = (np.lib.stride_tricks.sliding_window_view(each, N, axis=1) for each in (bands, reference.bands))
    return [
        (degraded[:, start : start + BLOCK], clean[:, start : start + BLOCK])
        for start in range(0, clean.shape[1], BLOCK)
    ]


def _analyse(samples: np.ndarray) -> _Reference:
    from pystoi.stoi import DYN_RANGE
    from pystoi.utils import EPS

    frames = _frames(samples)
    decibels = 20 * np.log10(np.linalg.norm(frames, axis=1) + EPS)
    active = decibels > decibels.max() - DYN_RANGE
    return _Reference(active, _bands(frames[active]))


def _frames(samples: np.ndarray) -> np.ndarray:
    """Windowed frames at 10 kHz: float64 ``[f, 256]``."""
    from pystoi.stoi import FS
    from pystoi.utils import resample_oct

    resampled = resample_oct(samples, FS, SAMPLE_RATE)
    return _windows(resampled) * _window()


def _bands(active: np.ndarray) -> np.ndarray:
    """One-third octave bands of the speech that is left once silent frames are cut out: float64 ``[15, k]``."""
    from pystoi.stoi import NFFT, OBM

    joined = np.zeros((len(active) + 1) * HOP)  # frames overlap by half
    halves = joined.reshape(-1, HOP)
    halves[:-1] += active[:, :HOP]
    halves[1:] += active[:, HOP:]
    spectra = fft.rfft(_windows(joined) * _window(), NFFT, axis=1)
    return np.sqrt(OBM @ (spectra.real**2 + spectra.imag**2).T)


def _windows(samples: np.ndarray) -> np.ndarray:
    """Stretches of 256 samples every 128; like pystoi without one that would end with the last sample."""
    if len(samples) <= FRAME:
        return np.zeros((0, FRAME))
    return np.lib.stride_tricks.sliding_window_view(samples, FRAME)[: len(samples) - FRAME : HOP]


def _window() -> np.ndarray:
    return np.hanning(FRAME + 2)[1:-1]


def by_package(pair: Pair, extended: bool) -> float | None:
    """pystoi itself, its noise seeded and the global generator left as it was; None for too little active speech."""
    from pystoi import stoi as pystoi

    state = np.random.get_state()
    try:
        np.random.seed(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
            return float(pystoi(pair.reference, pair.degraded, SAMPLE_RATE, extended=extended))
    except RuntimeWarning:  # pystoi would have returned 1e-5, which averages like a score
        return None
    finally:
        np.random.set_state(state)

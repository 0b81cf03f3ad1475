"""Mel-cepstra of the WORLD envelope: what both mel-cepstral distortions compare."""

from __future__ import annotations

import functools
import warnings

import numpy as np

from harness.metrics.base import SAMPLE_RATE
from harness.metrics.content_cache import ContentCache
from harness.metrics.f0 import f0_contour
from harness.metrics.f0 import parameters as f0_parameters

ORDER = 24
WARPING = 0.41  # all-pass constant that comes nearest to the mel scale at 16 kHz
FFT = 1024  # of CheapTrick; holds three periods of 47 Hz at 16 kHz
ACTIVE_DB = 40.0  # a frame further below the signal's loudest is a pause, whose cepstrum is that of a noise floor
FEWEST_FRAMES = 20  # active, 100 ms
SMALLEST = 1e-30  # power; digital silence has a cepstrum too
DB_PER_UNIT = 10 / np.log(10) * np.sqrt(2)  # from the norm of a mel-cepstral difference
PACKAGES = ("pyworld",)
PARAMETERS = (
    f"cheaptrick-{FFT},{f0_parameters()},order-{ORDER},alpha-{WARPING},without-c0,active-within-{ACTIVE_DB:g}dB"
)
KEPT = 64  # cepstra; about 100 kB each for 5 s

_cepstra: ContentCache[tuple[np.ndarray, np.ndarray]] = ContentCache(KEPT)


def mel_cepstra(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mel-cepstra every 5 ms of the envelope by CheapTrick (Morise, Speech Communication 67, 2015).

    Args:
        samples: float ``[n]`` at 16 kHz, finite.

    Returns:
        Coefficients 1 to 24 (the level, coefficient 0, is left out), float64 ``[f, 24]``; the power of each frame,
        float64 ``[f]``. Both read-only.
    """
    samples = np.ascontiguousarray(samples, np.float64)
    return _cepstra.get((samples,), lambda: _analyse(samples))


def _analyse(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():  # pyworld 0.3.5 imports pkg_resources, which announces its end on every import
        warnings.simplefilter("ignore")
        import pyworld

    times, hertz = f0_contour(samples)
    power = pyworld.cheaptrick(samples, np.nan_to_num(hertz), np.array(times), SAMPLE_RATE, fft_size=FFT)
    power = np.maximum(power, SMALLEST)
    cepstra = np.log(power) @ cepstral_matrix(FFT, ORDER, WARPING)[:, 1:]
    total = power.sum(axis=1)
    cepstra.flags.writeable = total.flags.writeable = False
    return cepstra, total


@functools.cache
def cepstral_matrix(fft_size: int, order: int, warping: float) -> np.ndarray:
    """What takes a log power spectrum ``[fft_size / 2 + 1]`` to its mel-cepstrum ``[order + 1]``, by multiplication.

    The cepstrum of the minimum phase spectrum with that power, on the frequency axis bent by an all-pass with constant
    ``warping`` (Oppenheim and Johnson, Proc. IEEE 60(6), 1972; Tokuda et al., ICSLP 1994).
    """
    half = fft_size // 2
    cepstrum = np.fft.irfft(np.eye(half + 1), axis=1)[:, : half + 1]  # row: of one bin of the log power spectrum
    cepstrum[:, 0] /= 2
    return cepstrum @ _warp(half, order, warping)


def _warp(length: int, order: int, warping: float) -> np.ndarray:
    """Row m: the coefficients of u^0 to u^order in ((u + a) / (1 + a u))^m, which replaces z^-m: ``[length+1, order+1]``.

    From (1 + a u) row_m = (u + a) row_(m-1), coefficient by coefficient.
    """
    rows = np.zeros((length + 1, order + 1))
    rows[0, 0] = 1
    for m in range(1, length + 1):
        for k in range(order + 1):
            before = rows[m - 1, k - 1] - warping * rows[m, k - 1] if k else 0.0
            rows[m, k] = before + warping * rows[m - 1, k]
    return rows


def active(power: np.ndarray) -> np.ndarray:
    """Which frames are within 40 dB of the loudest: bool ``[f]``."""
    return power > power.max() * 10 ** (-ACTIVE_DB / 10)

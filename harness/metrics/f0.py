"""F0 contours by WORLD, computed once a signal, and pairs of them as every F0 metric needs them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

import numpy as np

from harness.metrics.base import SAMPLE_RATE, Pair, Unscored

FRAME_MS = 5.0
FLOOR, CEILING = 60.0, 600.0  # Hz
GROSS = 0.2  # of the reference's F0: a larger error is one of the tracker or of the octave, not of intonation
FEWEST_FRAMES = 20  # mutually voiced, 100 ms: below it an error in cents is of chance
PACKAGES = ("pyworld",)
PARAMETERS = f"dio+stonemask,{FRAME_MS:g}ms,{FLOOR:g}-{CEILING:g}Hz"
KEPT = 64  # contours; about 8 kB each for 5 s

_contours: OrderedDict[bytes, np.ndarray] = OrderedDict()
_lock = Lock()


def f0_contour(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> tuple[np.ndarray, np.ndarray]:
    """F0 every 5 ms by DIO refined with StoneMask (Morise et al., 2016).

    Harvest finds more voiced frames and takes 18 times as long; it would be another identity. Like it, DIO hears a
    voice here and there in stationary noise.

    Args:
        samples: float ``[n]``, finite.
        sample_rate: Hz.

    Returns:
        Times in s, float64 ``[f]``; F0 in Hz, float64 ``[f]``, NaN where unvoiced. Both read-only.
    """
    samples = np.ascontiguousarray(samples, np.float64)
    key = hashlib.blake2b(samples.tobytes(), digest_size=16, salt=sample_rate.to_bytes(8, "little")).digest()
    with _lock:
        hertz = _contours.get(key)
    if hertz is None:
        hertz = _estimate(samples, sample_rate)
        hertz.flags.writeable = False
    with _lock:
        _contours[key] = hertz
        _contours.move_to_end(key)
        while len(_contours) > KEPT:
            _contours.popitem(last=False)
    times = np.arange(len(hertz)) * FRAME_MS / 1000
    times.flags.writeable = False
    return times, hertz


def _estimate(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    import warnings

    with warnings.catch_warnings():  # pyworld 0.3.5 imports pkg_resources, which announces its end on every import
        warnings.simplefilter("ignore")
        import pyworld

    if len(samples) < round(FRAME_MS / 1000 * sample_rate) * 4:  # nothing of 60 Hz to be found in 20 ms
        return np.full(1 + int(len(samples) * 1000 / sample_rate / FRAME_MS), np.nan)
    coarse, times = pyworld.dio(samples, sample_rate, f0_floor=FLOOR, f0_ceil=CEILING, frame_period=FRAME_MS)
    hertz = pyworld.stonemask(samples, coarse, times, sample_rate)
    return np.where((coarse > 0) & (hertz > 0), hertz, np.nan)


def f0_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """F0 of rendering and reference on the same frames: Hz, float64 ``[f]`` each, NaN where unvoiced."""
    return f0_contour(pair.degraded)[1], f0_contour(pair.reference)[1]


def cents_apart(pair: Pair) -> np.ndarray | Unscored:
    """Rendering above reference in cents, over the frames that are voiced in both: float64 ``[v]``."""
    degraded, reference = f0_pair(pair)
    both = np.isfinite(degraded) & np.isfinite(reference)
    if both.sum() < FEWEST_FRAMES:
        voiced = np.isfinite(degraded).sum(), np.isfinite(reference).sum()
        return Unscored(
            f"{both.sum()} frames of 5 ms are voiced in both, {FEWEST_FRAMES} are needed "
            f"(rendering {voiced[0]}, reference {voiced[1]})"
        )
    return 1200 * np.log2(degraded[both] / reference[both])

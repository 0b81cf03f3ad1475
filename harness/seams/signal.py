"""A signal with what its measures share."""

from __future__ import annotations

import functools
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np

from harness.metrics.f0 import f0_contour
from harness.seams.positions import SAMPLE_RATE
from harness.seams.residual import lpc_residual

KEPT = 8  # signals; a recording is the reference of every system, and its residual need be had once
QUIET = 1e-5  # full scale: rounding to 16 bits; keeps logs finite in digital silence
SIDE = 320  # samples: the 20 ms on either side of a position that spectra and energies are taken over
F0_FRAME = 80  # samples


@dataclass(frozen=True, eq=False)
class Signal:
    """Float64 ``[n]`` at 16 kHz; residual and F0 are computed when the first measure asks for them."""

    samples: np.ndarray

    @classmethod
    def checked(cls, samples: np.ndarray, sample_rate: int) -> Signal:
        """From anything that is a mono signal at 16 kHz.

        Raises:
            ValueError: another rate, not mono, or not finite.
        """
        samples = np.asarray(samples)
        if sample_rate != SAMPLE_RATE:
            raise ValueError(f"signal at {sample_rate} Hz; convert it to {SAMPLE_RATE} Hz first")
        if samples.ndim != 1:
            raise ValueError(f"signal of shape {list(samples.shape)}; it must be mono [n]")
        if not np.isfinite(samples).all():
            raise ValueError(f"signal is not finite at sample {np.flatnonzero(~np.isfinite(samples))[0]}")
        return _kept(cls, samples.astype(np.float64))

    @functools.cached_property
    def residual(self) -> np.ndarray:
        """Magnitude of the linear prediction's residual, float64 ``[n]``."""
        return np.abs(lpc_residual(self.samples))

    @functools.cached_property
    def f0(self) -> np.ndarray:
        """Hz every 5 ms, float64 ``[f]``; NaN where unvoiced."""
        return f0_contour(self.samples)[1]

    def stretch(self, positions: np.ndarray, start: int, stop: int, signal: np.ndarray | None = None) -> np.ndarray:
        """Samples ``start`` to ``stop`` about each position, clipped to the file: ``[k, stop - start]``."""
        signal = self.samples if signal is None else signal
        if len(positions) and positions.min() + start >= 0 and positions.max() + stop <= len(signal):
            return np.lib.stride_tricks.sliding_window_view(signal, stop - start)[positions + start]
        return signal[np.clip(positions[:, None] + np.arange(start, stop), 0, len(signal) - 1)]

    @functools.cached_property
    def _energy_before(self) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(self.samples**2)])

    def energy_db(self, starts: np.ndarray, size: int) -> np.ndarray:
        """Mean square of ``size`` samples from each start, dB of full scale."""
        low = np.clip(starts, 0, len(self.samples))
        high = np.clip(starts + size, 0, len(self.samples))
        energy = (self._energy_before[high] - self._energy_before[low]) / np.maximum(high - low, 1)
        return 10 * np.log10(np.maximum(energy, 0) + QUIET**2)

    def loudness(self, positions: np.ndarray) -> np.ndarray:
        """Level of the 40 ms about each position, dB."""
        return self.energy_db(positions - SIDE, 2 * SIDE)

    def f0_at(self, positions: np.ndarray) -> np.ndarray:
        """F0 (Hz) at positions, of the nearest 5 ms frame; NaN where unvoiced."""
        return self.f0[np.clip(np.rint(positions / F0_FRAME).astype(int), 0, len(self.f0) - 1)]

    def voiced(self, positions: np.ndarray) -> np.ndarray:
        """Whether F0 exists there."""
        return np.isfinite(self.f0_at(positions))


_signals: OrderedDict[bytes, Signal] = OrderedDict()
_lock = Lock()


def _kept(kind: type[Signal], samples: np.ndarray) -> Signal:
    """The signal of these samples from the last few, with what was already computed of it."""
    samples.flags.writeable = False
    key = hashlib.blake2b(samples.tobytes(), digest_size=16).digest()
    with _lock:
        signal = _signals.setdefault(key, kind(samples))
        _signals.move_to_end(key)
        while len(_signals) > KEPT:
            _signals.popitem(last=False)
    return signal

"""Defects of known size, planted at known places in real speech: what the measures are validated with.

Sizes are those of the notes: each is hard or impossible to see for PESQ, ESTOI and DNSMOS. All take float ``[n]`` at
16 kHz and seams, and give float64 ``[n]``; each chunk alternates with the next, so that no seam is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def untouched(signal: np.ndarray, seams: Sequence[int]) -> np.ndarray:
    """The negative control."""
    return np.asarray(signal, np.float64)


def click(signal: np.ndarray, seams: Sequence[int], decibels: float = -30.0) -> np.ndarray:
    """One sample at each seam, ``decibels`` above the RMS of the signal (so -30 lies below it), signs by turns."""
    out = np.array(signal, np.float64)
    inside = np.array([seam for seam in seams if 0 <= seam < len(out)], int)
    out[inside] += np.sqrt(np.mean(out**2)) * 10 ** (decibels / 20) * (-1.0) ** np.arange(len(inside))
    return out


def phase_jump(signal: np.ndarray, seams: Sequence[int], degrees: float = 10.0) -> np.ndarray:
    """The phase of all frequencies moves by ``degrees`` and back."""
    from scipy.signal import hilbert

    return alternate((hilbert(signal) * np.exp(1j * np.deg2rad(degrees))).real, signal, seams)


def slip(signal: np.ndarray, seams: Sequence[int], samples: int = 4) -> np.ndarray:
    """``samples`` (4: 0.25 ms) skipped and repeated by turns."""
    return alternate(np.concatenate([signal[samples:], np.zeros(samples)]), signal, seams)


def level_step(signal: np.ndarray, seams: Sequence[int], decibels: float = 0.5) -> np.ndarray:
    """Steps of ``decibels`` up and down by turns: ±half of it."""
    gain = 10 ** (decibels / 40)
    return alternate(np.asarray(signal) * gain, np.asarray(signal) / gain, seams)


def pitch_step(signal: np.ndarray, seams: Sequence[int], cents: float = 30.0) -> np.ndarray:
    """Chunks played faster and slower by turns, so that pitch steps by ``cents``; the signal itself stays continuous.

    Time runs at two rates that alternate, and is itself continuous: no slip, no click, formants move by 0.9 %.
    """
    from scipy.interpolate import CubicSpline

    signal = np.asarray(signal, np.float64)
    turn = np.searchsorted(np.asarray(seams), np.arange(len(signal)), side="right") % 2
    rate = 2.0 ** (np.where(turn == 1, cents, -cents) / 2400)
    time = np.concatenate([[0.0], np.cumsum(rate)[:-1]])
    return CubicSpline(np.arange(len(signal)), signal)(np.clip(time, 0, len(signal) - 1))


def pause(signal: np.ndarray, seams: Sequence[int], milliseconds: float = 30.0) -> np.ndarray:
    """Silence after each seam, faded over 2 ms, in place of what was there."""
    length, ramp = round(16 * milliseconds), 32
    shape = np.concatenate([np.linspace(1, 0, ramp), np.zeros(length), np.linspace(0, 1, ramp)])
    gain = np.ones(len(signal))
    for seam in seams:
        stop = min(seam + len(shape), len(signal))
        gain[seam:stop] = np.minimum(gain[seam:stop], shape[: stop - seam])
    return np.asarray(signal, np.float64) * gain


def noise(signal: np.ndarray, seams: Sequence[int], snr_db: float = 30.0) -> np.ndarray:
    """White noise everywhere: a defect that has nothing to do with the seams, and must not be seen."""
    rng = np.random.default_rng(len(signal))
    return signal + rng.standard_normal(len(signal)) * np.sqrt(np.mean(signal**2)) * 10 ** (-snr_db / 20)


def alternate(odd: np.ndarray, even: np.ndarray, seams: Sequence[int]) -> np.ndarray:
    """Chunks by turns from two versions of one signal, the second first."""
    turn = np.searchsorted(np.asarray(seams), np.arange(len(even)), side="right") % 2
    return np.where(turn == 1, odd, even).astype(np.float64)


DEFECTS: dict[str, tuple[Callable[..., np.ndarray], str]] = {
    "click": (click, "click 30 dB below the RMS"),
    "level_step": (level_step, "level ±0.25 dB"),
    "phase_jump": (phase_jump, "phase jump 10°"),
    "slip": (slip, "slip 0.25 ms"),
    "pitch_step": (pitch_step, "pitch step 30 cents"),
    "pause": (pause, "pause 30 ms"),
}
CONTROLS: dict[str, tuple[Callable[..., np.ndarray], str]] = {
    "untouched": (untouched, "untouched speech"),
    "noise": (noise, "noise 30 dB below the speech"),
}

"""How loud a stimulus is, and how loud it is made: computed once, from the whole sound, with one gain.

Active speech level after ITU-T P.56 (2011), method B. The envelope is the rectified signal through two first-order
smoothers of 30 ms each. For thresholds c_j an octave apart, a sample counts as active while the envelope is at or above
c_j or was so within the last 0.2 s (the hangover bridges the gaps inside words). With a_j active samples, the level of
the active part is A_j = 10 log10(sum x^2 / a_j) and the threshold C_j = 20 log10 c_j; A_j - C_j falls as c_j rises, and
the active speech level is A where A - C is the margin of 15.9 dB, interpolated between two thresholds.
"""

from __future__ import annotations

import numpy as np
import pyloudnorm
from scipy.signal import lfilter

from ..errors import StudyError
from ..study import Levels
from .wav import FULL_SCALE

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
THRESHOLDS = 2.0 ** np.arange(-1, -21, -1)  # full scale; P.56 has the first 15, which suffice for 16-bit recordings
SILENCE = 1e-5  # full scale: below what 16 bits can hold
HIGHEST = (FULL_SCALE - 1) / FULL_SCALE  # full scale: the highest positive sample of 16 bits
GATE_S = 0.4  # the block of BS.1770: shorter sounds have no loudness


class ClippingError(StudyError):
    """A gain that would clip; ``excess_db`` is by how much."""

    def __init__(self, message: str, excess_db: float) -> None:
        super().__init__(message)
        self.excess_db = excess_db


def speech_activity(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """Active speech level and activity factor, ITU-T P.56 method B.

    Args:
        samples: float ``[n]``, full scale 1.
        rate: samples a second.

    Returns:
        Level in dBov (0 dBov: the power of a square wave at full scale) and the share of the time that is active, (0, 1].

    Raises:
        StudyError: empty, not finite, or without speech.
    """
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise StudyError(f"a sound of shape {list(samples.shape)} must be mono, finite and not empty; convert it again")
    if np.abs(samples).max() < SILENCE:
        raise StudyError("a sound is silent, so it has no speech level; leave that sentence out or render it again")
    energy = float(np.sum(samples**2))
    active = _active_samples(_envelope(samples, rate), int(np.ceil(HANGOVER_S * rate)))
    heard = active > 0  # thresholds that the envelope reaches at all
    if not heard.any():
        raise StudyError("a sound has no speech in it, only clicks or noise floor; leave that sentence out")
    levels = 10 * np.log10(energy / active[heard])
    level = _level_at_margin(levels, 20 * np.log10(THRESHOLDS[heard]))
    return level, min(1.0, energy / (10 ** (level / 10) * len(samples)))


def active_speech_level(samples: np.ndarray, rate: int) -> float:
    """Active speech level in dBov of float ``[n]``; see :func:`speech_activity`."""
    return speech_activity(samples, rate)[0]


def level_of(samples: np.ndarray, rate: int, policy: str) -> float | None:
    """The level in the policy's unit: dBov for ``active-speech``, LUFS (ITU-R BS.1770-4) for ``lufs``, None for ``none``.

    Raises:
        StudyError: silent, or too short to have one.
    """
    if policy == "none":
        return None
    if policy == "active-speech":
        return active_speech_level(samples, rate)
    if len(samples) < GATE_S * rate:
        raise StudyError(
            f"a sound of {len(samples) / rate:.2f} s has no loudness (BS.1770 needs {GATE_S} s); leave it out"
        )
    loudness = float(pyloudnorm.Meter(rate).integrated_loudness(np.asarray(samples, np.float64)))
    if not np.isfinite(loudness):
        raise StudyError("a sound is silent, so it has no loudness; leave that sentence out or render it again")
    return loudness


def apply_level(samples: np.ndarray, rate: int, levels: Levels) -> tuple[np.ndarray, float, float | None]:
    """Bring a sound to the policy's target with one gain.

    Args:
        samples: float ``[n]``.
        levels: policy and target.

    Returns:
        Samples float64 ``[n]``, the gain in dB, the level now, in the policy's unit (None for ``none``).

    Raises:
        ClippingError: the peak would pass full scale of 16 bits; says which target would not.
        StudyError: silent, or too short to have a level.
    """
    samples = np.asarray(samples, np.float64)
    before = level_of(samples, rate, levels.policy)
    gain_db = 0.0 if before is None or levels.target is None else levels.target - before
    louder = samples * 10 ** (gain_db / 20)
    refuse_clipping(louder, levels)
    return louder, gain_db, None if before is None else before + gain_db


def refuse_clipping(samples: np.ndarray, levels: Levels) -> None:
    """Refuse what 16 bits cannot hold.

    Raises:
        ClippingError: says which target would fit.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= HIGHEST:
        return
    excess_db = 20 * np.log10(peak / HIGHEST)
    if levels.target is None:
        remedy = 'set level.policy = "active-speech"'
    else:
        remedy = f"set level.target = {np.floor(10 * (levels.target - excess_db)) / 10:.1f} or lower"
    raise ClippingError(f"a sound would clip by {excess_db:.1f} dB; {remedy}", float(excess_db))


def _envelope(samples: np.ndarray, rate: int) -> np.ndarray:
    """The rectified signal, smoothed twice; float64 ``[n]``."""
    keep = np.exp(-1 / (TIME_CONSTANT_S * rate))
    once = lfilter([1 - keep], [1, -keep], np.abs(samples))
    return lfilter([1 - keep], [1, -keep], once)


def _active_samples(envelope: np.ndarray, hangover: int) -> np.ndarray:
    """How many samples are active at each threshold; float64 ``[thresholds]``."""
    counts = np.zeros(len(THRESHOLDS))
    for index, threshold in enumerate(THRESHOLDS):
        above = np.flatnonzero(envelope >= threshold)
        if len(above):
            gaps = np.diff(above, append=len(envelope))  # samples until the next that is above, or the end
            counts[index] = np.minimum(gaps, hangover + 1).sum()
    return counts


def _level_at_margin(levels: np.ndarray, thresholds: np.ndarray) -> float:
    """A where A - C = 15.9 dB, linear between the two thresholds around it; thresholds fall."""
    margins = levels - thresholds
    beyond = int(np.argmax(margins >= MARGIN_DB))
    if margins[beyond] < MARGIN_DB:  # even the lowest threshold lies within the margin: all of it is active
        return float(levels[-1])
    if beyond == 0:  # a sound with a crest beyond speech's: the highest threshold reached is already low
        return float(levels[0])
    share = (MARGIN_DB - margins[beyond - 1]) / (margins[beyond] - margins[beyond - 1])
    return float(levels[beyond - 1] + share * (levels[beyond] - levels[beyond - 1]))

"""Stimuli that are too long, cut at a pause: one rule, one sample for all systems of a sentence.

A pause is where *every* sound of the sentence is, for 150 ms or more, at least 15.9 dB (the margin of ITU-T P.56) below
its own active speech level, measured in frames of 20 ms. The cut is the middle of the last such pause that lies between half
of the longest duration allowed and all of it; the last 10 ms before the cut are faded. Where there is none, the sentence is
not for this study: cutting inside a word would be a defect that no system made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import StudyError
from .levels import MARGIN_DB, active_speech_level

FRAME_S = 0.02
SHORTEST_PAUSE_S = 0.15
EARLIEST = 0.5  # share of the longest duration
FADE_S = 0.01


def cut_point(sounds: Sequence[np.ndarray], rate: int, max_s: float) -> int | None:
    """Where to cut the sounds of one sentence.

    Args:
        sounds: float ``[n_i]`` each, in time with each other.
        rate: samples a second.
        max_s: longest duration allowed, seconds.

    Returns:
        The sample, the same for all; None where none is longer than ``max_s``.

    Raises:
        StudyError: longer, and without a pause that all share.
    """
    longest = max(map(len, sounds))
    if longest <= max_s * rate:
        return None
    frame = int(FRAME_S * rate)
    quiet = np.all([_quiet_frames(sound, rate, longest) for sound in sounds], axis=0)
    needed = int(np.ceil(SHORTEST_PAUSE_S / FRAME_S))
    for first, last in reversed(_runs(quiet)):
        middle = (first + last) // 2 * frame
        if last - first >= needed and EARLIEST * max_s * rate <= middle <= max_s * rate:
            return middle
    raise StudyError(
        f"lasts {longest / rate:.1f} s and has no pause that all its sounds share between {EARLIEST * max_s:.1f} and "
        f"{max_s:.1f} s; raise listening.max_s or leave it out"
    )


def cut(samples: np.ndarray, rate: int, point: int | None) -> np.ndarray:
    """The sound up to ``point`` with its end faded; a copy, or all of it for None."""
    kept = np.array(samples[:point], np.float64)
    fade = min(int(FADE_S * rate), len(kept))
    if point is not None and point < len(samples) and fade:
        kept[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade) + 1) / fade)
    return kept


def pad(samples: np.ndarray, length: int) -> np.ndarray:
    """The sound with silence after it; ``[length]`` of the same type."""
    return np.pad(samples, (0, length - len(samples)))


def _quiet_frames(sound: np.ndarray, rate: int, length: int) -> np.ndarray:
    """Which frames of 20 ms are in a pause of this sound; what comes after its end is; bool ``[frames]``."""
    frame = int(FRAME_S * rate)
    threshold = active_speech_level(sound, rate) - MARGIN_DB
    whole = pad(sound, -(-length // frame) * frame).reshape(-1, frame)
    return 10 * np.log10(np.maximum(np.mean(whole**2, axis=1), 1e-20)) < threshold


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last index of every stretch of True."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

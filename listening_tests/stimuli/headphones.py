"""Is the listener wearing headphones? Two checks, made anew for every session, three intervals a round.

Woods et al. (2017, Attention, Perception & Psychophysics 79): which of three 200 Hz tones is the quietest? One is 6 dB
below the others, and one of the others is in antiphase between the ears: over loudspeakers it cancels and seems to be
the quietest. Milne et al. (2021, Behavior Research Methods 53): which of three noises has a faint tone in it? In one of
them a band around 600 Hz is inverted in the right ear, which makes a pitch (Huggins) for two ears with a sound of
their own each, and none for either ear alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ..errors import StudyError
from ..randomness import random_for

RATE = 44_100  # Hz
ROUNDS = 6
DURATION_S = 1.0
NEEDED = {"woods": 5, "milne": 6}
"""Rounds right, of six, to pass. By chance alone: five or six right p = 0.018, six p = 0.0014."""

QUIET = 2  # place of the quiet tone among loud, antiphase, quiet
WOODS_HZ = 200.0
WOODS_RAMP_S = 0.1
WOODS_TARGET_DB = -6.0
WOODS_DBOV = -23.0  # of the louder tones
MILNE_HZ, MILNE_BAND = 600.0, 0.06  # the band is 600 Hz plus and minus 6 %
MILNE_RAMP_S = 0.02
MILNE_DBOV = -32.0  # noise of full bandwidth is much louder than speech of that level


@dataclass(frozen=True)
class Round:
    """One question of a headphone check.

    Attributes:
        intervals: float64 ``[3, n, 2]``, left and right, full scale 1, in the order played.
        answer: which of them is the one asked for, 0 to 2.
        rate: samples a second.
    """

    intervals: np.ndarray
    answer: int
    rate: int = RATE


def woods_round(seed: str | int, round: int) -> Round:
    """A round of Woods et al.: loud, antiphase and quiet tone in an order of its own.

    Over the six rounds of a seed each of the six orders comes once, so the answer is in every place twice.

    Args:
        seed: of the session.
        round: 0 to 5.

    Raises:
        StudyError: no such round.
    """
    order = _woods_order(seed, round)
    phase = random_for("woods phase", str(seed), round).uniform(0, 2 * np.pi)
    time_s = np.arange(int(DURATION_S * RATE)) / RATE
    tone = np.sin(2 * np.pi * WOODS_HZ * time_s + phase) * _ramps(WOODS_RAMP_S)
    tone *= np.sqrt(2) * 10 ** (WOODS_DBOV / 20)
    quiet = tone * 10 ** (WOODS_TARGET_DB / 20)
    kinds = [np.stack([tone, tone], 1), np.stack([tone, -tone], 1), np.stack([quiet, quiet], 1)]
    return Round(np.stack([kinds[kind] for kind in order]), order.index(QUIET))


def milne_round(seed: str | int, round: int) -> Round:
    """A round of Milne et al.: three noises of their own, one with a Huggins pitch at 600 Hz.

    Over the six rounds of a seed the answer is in every place twice.

    Args:
        seed: of the session.
        round: 0 to 5.

    Raises:
        StudyError: no such round.
    """
    answer = _milne_answer(seed, round)
    noise = random_for("milne noise", str(seed), round).standard_normal((3, int(DURATION_S * RATE)))
    intervals = np.stack([noise, noise], axis=2)
    intervals[answer, :, 1] = _invert_band(noise[answer])
    intervals *= _ramps(MILNE_RAMP_S)[:, None] * 10 ** (MILNE_DBOV / 20)
    return Round(intervals, answer)


def headphone_round(check: str, seed: str | int, round: int) -> Round:
    """The round of a check by its name.

    Raises:
        StudyError: no such check or round.
    """
    makers = {"woods": woods_round, "milne": milne_round}
    if check not in makers:
        raise StudyError(f"unknown headphone check {check!r}; known: {', '.join(makers)}")
    return makers[check](seed, round)


def right_interval(check: str, seed: str | int, round: int) -> int:
    """The answer of a round, 0 to 2, without making its sounds.

    Raises:
        StudyError: no such check or round.
    """
    answers = {"woods": lambda: _woods_order(seed, round).index(QUIET), "milne": lambda: _milne_answer(seed, round)}
    if check not in answers:
        raise StudyError(f"unknown headphone check {check!r}; known: {', '.join(answers)}")
    return answers[check]()


def passes(check: str, answers_right: int) -> bool:
    """Whether so many rounds right, of six, pass: five for ``woods``, all six for ``milne``.

    Raises:
        StudyError: no such check.
    """
    if check not in NEEDED:
        raise StudyError(f"unknown headphone check {check!r}; known: {', '.join(NEEDED)}")
    return answers_right >= NEEDED[check]


def _woods_order(seed: str | int, round: int) -> tuple[int, ...]:
    """Which of the three kinds of tone comes in which place; QUIET is the answer."""
    _check_round(round)
    return list(permutations(range(3)))[random_for("woods", str(seed)).permutation(ROUNDS)[round]]


def _milne_answer(seed: str | int, round: int) -> int:
    _check_round(round)
    return int(random_for("milne", str(seed)).permutation(np.repeat(range(3), ROUNDS // 3))[round])


def _check_round(round: int) -> None:
    if not 0 <= round < ROUNDS:
        raise StudyError(f"round {round} of a headphone check must be 0 to {ROUNDS - 1}")


def _ramps(seconds: float) -> np.ndarray:
    """Raised cosines at both ends of one interval; ``[n]``."""
    length, ramp = int(DURATION_S * RATE), int(seconds * RATE)
    window = np.ones(length)
    window[:ramp] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / ramp)
    window[-ramp:] = window[:ramp][::-1]
    return window


def _invert_band(noise: np.ndarray) -> np.ndarray:
    """Shift the phase of the band by 180 degrees, magnitudes untouched."""
    spectrum = np.fft.rfft(noise)
    frequencies = np.fft.rfftfreq(len(noise), 1 / RATE)
    spectrum[np.abs(frequencies - MILNE_HZ) <= MILNE_BAND * MILNE_HZ] *= -1
    return np.fft.irfft(spectrum, len(noise))

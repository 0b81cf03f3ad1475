"""Traps: a test clip with something in it that only a listener who listens can answer.

After ITU-T P.808 6.3.8 the trap is spliced into a clip of the study, in the study's own voices and at its original length, so
that nothing tells it from the others before it is heard. By default it is one to five short beeps, which the listener was
asked to count; a folder of the user's own recordings does as well. The answer stays on the server.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import StudyError
from .levels import active_speech_level
from .materials import read_recording
from .wav import from_int16, to_int16

MOST_BEEPS = 5
BEEP_HZ, BEEP_S, RAMP_S = 1000.0, 0.15, 0.01
SPACING_S = 0.4  # from the start of one beep to the next: easy to count
MARGIN = 0.1  # share of the clip at either end that stays as it is
LIST = "traps.csv"


@dataclass(frozen=True)
class Recording:
    """A trap of the user's own: float64 ``[n]``, and the number that is the right answer."""

    samples: np.ndarray
    beeps: int


def most_beeps(length: int, rate: int) -> int:
    """How many beeps fit into a clip of so many samples, 0 to 5."""
    room = (1 - 2 * MARGIN) * length / rate - BEEP_S
    return 0 if room < 0 else min(MOST_BEEPS, 1 + int(room / SPACING_S))


def fits(message: int, clip: int) -> bool:
    """Whether so many samples go into the middle of a clip of so many."""
    return message <= (1 - 2 * MARGIN) * clip


def with_beeps(clip: np.ndarray, rate: int, beeps: int, rng: np.random.Generator) -> np.ndarray:
    """Splice beeps into a clip, at the level of its speech, somewhere in its middle.

    Args:
        clip: int16 ``[n]``.
        beeps: 1 to 5.
        rng: for the place.

    Returns:
        int16 ``[n]``, as long as before.

    Raises:
        StudyError: they do not fit, or the clip is silent.
    """
    if not 1 <= beeps <= most_beeps(len(clip), rate):
        raise StudyError(f"{beeps} beeps do not fit into {len(clip) / rate:.1f} s; use longer sentences for traps")
    samples = from_int16(clip)
    level = active_speech_level(samples, rate)
    length, spacing = int(BEEP_S * rate), int(SPACING_S * rate)
    tone = np.sin(2 * np.pi * BEEP_HZ * np.arange(length) / rate) * np.sqrt(2) * 10 ** (level / 20)
    first = _place(len(clip), (beeps - 1) * spacing + length, rng)
    for beep in range(beeps):
        _replace(samples, first + beep * spacing, tone, rate)
    return to_int16(samples)


def with_recording(clip: np.ndarray, rate: int, message: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Splice a spoken instruction into a clip, at the level of its speech.

    Args:
        clip: int16 ``[n]``.
        message: float ``[m]`` at the same rate.

    Returns:
        int16 ``[n]``, as long as before.

    Raises:
        StudyError: longer than the middle of the clip, or either is silent.
    """
    if not fits(len(message), len(clip)):
        raise StudyError(
            f"a trap of {len(message) / rate:.1f} s does not fit into {len(clip) / rate:.1f} s; use a shorter recording"
        )
    samples = from_int16(clip)
    gain_db = active_speech_level(samples, rate) - active_speech_level(message, rate)
    _replace(samples, _place(len(clip), len(message), rng), message * 10 ** (gain_db / 20), rate)
    peak = np.abs(samples).max()
    return to_int16(samples if peak < 0.99 else samples * 0.99 / peak)  # nobody rates a trap: quieter is fine


def load_recordings(folder: Path, rate: int) -> list[Recording]:
    """Read a folder of the user's own traps: ``traps.csv`` with columns ``file`` and ``beeps`` (the answer, 1 to 5).

    Raises:
        StudyError: no such list, a file missing, or an answer that cannot be given.
    """
    path = Path(folder) / LIST
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: not readable ({error}); list the recordings: columns file, beeps") from None
    if not rows or not {"file", "beeps"} <= set(rows[0]):
        raise StudyError(f"{path}: needs the columns file and beeps, and a row at least; add them")
    found = []
    for row in rows:
        if row["beeps"] not in [str(number) for number in range(1, MOST_BEEPS + 1)]:
            raise StudyError(f"{path}: beeps = {row['beeps']!r} must be 1 to {MOST_BEEPS}; a listener can say no other")
        found.append(Recording(read_recording(Path(folder) / row["file"], rate), int(row["beeps"])))
    return found


def _place(length: int, needed: int, rng: np.random.Generator) -> int:
    """Where ``needed`` samples start, within the margins."""
    first = int(np.ceil(MARGIN * length))
    return int(rng.integers(first, max(first, length - first - needed) + 1))


def _replace(samples: np.ndarray, start: int, sound: np.ndarray, rate: int) -> None:
    """Cross-fade to ``sound`` and back, in place."""
    ramp = min(int(RAMP_S * rate), len(sound) // 2)
    share = np.ones(len(sound))
    share[:ramp] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 1) / (ramp + 1))
    share[len(sound) - ramp :] = share[:ramp][::-1]
    stretch = slice(start, start + len(sound))
    samples[stretch] = (1 - share) * samples[stretch] + share * sound

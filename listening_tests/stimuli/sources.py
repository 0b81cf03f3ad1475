"""A step's sources as samples: the only way by which sound reaches the service."""

from __future__ import annotations

import numpy as np

from ..errors import StudyError
from ..randomness import random_for
from .headphones import headphone_round
from .stimulus_set import StimulusSet
from .wav import to_int16

LEVEL_S = 8.0  # seconds of speech to set the volume by, at least, if there are so many
LEVEL_PAUSE_S = 0.4  # between two sentences
LEVEL_ROLES = ("training", "reference", "test")  # what a listener may hear before the first trial, best first


def render_source(source: str, stimuli: StimulusSet) -> tuple[np.ndarray, int]:
    """The sound that a source names.

    Args:
        source: ``clip:<stimulus_id>``, ``woods:<seed>:<round>:<interval>``, ``milne:<seed>:<round>:<interval>`` or
            ``level:<seed>``.
        stimuli: of the study.

    Returns:
        int16 ``[n, channels]`` (one channel, two for headphone checks), and samples a second.

    Raises:
        StudyError: no such source.
    """
    kind, _, rest = source.partition(":")
    if kind == "clip":
        return stimuli.samples(rest)[:, None], stimuli.stimuli[rest].rate
    if kind in ("woods", "milne"):
        return _interval(source, kind, rest)
    if kind == "level" and rest:
        return _level(rest, stimuli)[:, None], stimuli.rate
    raise StudyError(f"unknown source {source!r:.60}; it must be clip:, woods:, milne: or level:")


def _interval(source: str, check: str, rest: str) -> tuple[np.ndarray, int]:
    seed, *numbers = rest.split(":")
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers) or not 0 <= int(numbers[1]) <= 2:
        raise StudyError(f"unknown source {source!r:.60}; it must be {check}:<seed>:<round>:<interval 0 to 2>")
    made = headphone_round(check, seed, int(numbers[0]))
    interval = made.intervals[int(numbers[1])]
    return np.stack([to_int16(interval[:, 0]), to_int16(interval[:, 1])], axis=1), made.rate


def _level(seed: str, stimuli: StimulusSet) -> np.ndarray:
    """Speech of the study at the study's level, some sentences one after another; int16 ``[n]``."""
    pool = next((found for role in LEVEL_ROLES if (found := stimuli.of_role(role))), None)
    if pool is None:
        raise StudyError(f"{stimuli.folder}: no speech to set the volume by; build the stimuli again")
    pause = np.zeros(int(LEVEL_PAUSE_S * stimuli.rate), np.int16)
    pieces: list[np.ndarray] = []
    sentences: set[str] = set()
    for index in random_for("level", seed).permutation(len(pool)):
        if pool[index].sentence not in sentences:
            sentences.add(pool[index].sentence)
            pieces += [stimuli.samples(pool[index].stimulus_id), pause]
        if sum(map(len, pieces)) >= LEVEL_S * stimuli.rate:
            break
    return np.concatenate(pieces[:-1])

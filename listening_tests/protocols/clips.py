"""Which clip of the stimuli a trial plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import StudyError
from ..model import ANCHOR_LOW, ANCHOR_MID, REFERENCE, Stimulus

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet

ANCHORS = (ANCHOR_LOW, ANCHOR_MID)


def roles_of(system: str, role: str = "main") -> tuple[str, ...]:
    """Roles of stimuli, best first, that can play ``system`` in a trial of ``role``."""
    own = "reference" if system == REFERENCE else "anchor" if system in ANCHORS else "test"
    # a recording that the study rates like a system may be stored as either
    usual = (own,) if own == "test" else (own, "test")
    return ("training", *usual) if role == "training" else usual


def find_clip(stimuli: StimulusSet, sentence: str, system: str, role: str = "main") -> Stimulus | None:
    """The clip, or None."""
    for kind in roles_of(system, role):
        if (found := stimuli.find(sentence, system, kind)) is not None:
            return found
    return None


def clip_of(stimuli: StimulusSet, sentence: str, system: str, role: str = "main") -> Stimulus:
    """The clip.

    Raises:
        StudyError: there is none.
    """
    if (found := find_clip(stimuli, sentence, system, role)) is None:
        raise StudyError(
            f"stimuli.json: sentence {sentence!r} has no clip of {system!r} (role {roles_of(system, role)[0]}); "
            "build the stimuli again, or leave that sentence or system out"
        )
    return found


def seconds_of(clip: Stimulus) -> float:
    """Length in seconds."""
    return clip.samples / clip.rate

"""Traps, repeats and identical pairs as steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import StudyError
from ..model import Step, Stimulus
from ..protocols import Condition, Protocol
from ..protocols.base import with_trap
from ..protocols.clips import find_clip
from ..study import Study
from .assignment import Cell, main_sentences

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet


def choose_traps(
    study: Study, stimuli: StimulusSet, gaps: Sequence[int], plan: Sequence[Cell], rng: np.random.Generator
) -> list[Stimulus]:
    """A trap for each gap: other ones as long as there are, and none beside a trial of its sentence if it can be helped.

    Raises:
        StudyError: there is no trap.
    """
    left = list(stimuli.of_role("trap"))
    if not left and gaps:
        raise StudyError(
            f"screening.traps = {study.screening.traps} but stimuli.json has no trap; build the stimuli again, "
            "or set screening.traps = 0"
        )
    every, chosen = list(left), []
    for gap in gaps:
        left = left or list(every)
        fit = [trap for trap in left if trap.sentence not in neighbours(plan, gap)] or left
        trap = fit[rng.integers(len(fit))]
        left.remove(trap)
        chosen.append(trap)
    return chosen


def trap_step(
    study: Study,
    stimuli: StimulusSet,
    protocol: Protocol,
    trap: Stimulus,
    plan: Sequence[Cell],
    rng: np.random.Generator,
) -> Step:
    """A trial of the protocol with the trap as one of its clips, where its system stands if it is one of the trial's."""
    conditions = protocol.conditions(study.systems, study)
    fit = [c for c in conditions if trap.system in c] or conditions
    found = [condition for condition in fit if _playable(stimuli, trap.sentence, condition)]
    if found:
        sentence, condition = trap.sentence, found[rng.integers(len(found))]
    else:  # a recording of the user's own, which belongs to no sentence of the study
        sentence, condition, _ = plan[rng.integers(len(plan))]
    step = protocol.arrange(study, stimuli, sentence, condition, int(rng.integers(protocol.variants)), rng)
    judged = [label for label in step.sources if label != "reference"]
    label = next((label for label in judged if step.secret["systems"][label] == trap.system), judged[0])
    step = with_trap(step, label, trap.stimulus_id, _beeps(trap))
    return replace(step, secret={**step.secret, "sentence": trap.sentence})


def identical_step(
    study: Study, stimuli: StimulusSet, protocol: Protocol, gap: int, plan: Sequence[Cell], rng: np.random.Generator
) -> Step:
    """A pair of one sound twice, of a sentence that the listener does not hear otherwise, if there is one.

    Raises:
        StudyError: the protocol has no pairs.
    """
    if not protocol.catches_identical:
        raise StudyError(f"{protocol.name} has no identical pairs; set screening.identical = 0")
    sentences = main_sentences(stimuli)
    unheard = _without(sentences, {sentence for sentence, _, _ in plan})
    near = neighbours(plan, gap)
    choice = unheard or _without(sentences, near) or sentences
    conditions = protocol.conditions(study.systems, study)
    condition = conditions[rng.integers(len(conditions))]
    variant = int(rng.integers(min(protocol.variants, 2)))
    sentence = choice[rng.integers(len(choice))]
    return protocol.arrange(study, stimuli, sentence, condition, variant, rng, role="identical")


def repeat_step(
    study: Study, stimuli: StimulusSet, protocol: Protocol, cell: Cell, position: int, rng: np.random.Generator
) -> Step:
    """The trial at ``position`` of the session (an index into its steps) once more, in the same order."""
    step = protocol.arrange(study, stimuli, *cell, rng, role="repeat")
    return replace(step, secret={**step.secret, "key": {**step.secret["key"], "repeats": position}})


def neighbours(plan: Sequence[Cell], gap: int) -> set[str]:
    """Sentences of the main trials on both sides of a gap."""
    return {sentence for sentence, _, _ in plan[gap - 1 : gap + 1]}


def _playable(stimuli: StimulusSet, sentence: str, condition: Condition) -> bool:
    return all(find_clip(stimuli, sentence, system) is not None for system in condition)


def _without(sentences: Sequence[str], taken: Collection[str]) -> list[str]:
    return [sentence for sentence in sentences if sentence not in taken]


def _beeps(trap: Stimulus) -> int:
    if type(beeps := trap.key.get("beeps")) is not int:
        raise StudyError(f"stimuli.json: trap {trap.stimulus_id} does not say its beeps; build the stimuli again")
    return beeps

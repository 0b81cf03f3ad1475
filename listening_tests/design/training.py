"""Trials before the first that counts, over the range that is to be heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..model import Step
from ..protocols import Condition, Protocol
from ..protocols.clips import find_clip
from ..study import Study
from .assignment import Cell, main_sentences

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet


def training_steps(
    study: Study, stimuli: StimulusSet, protocol: Protocol, plan: Sequence[Cell], rng: np.random.Generator
) -> list[Step]:
    """``screening.training`` trials from the clips kept for training, then from others.

    Clips of role ``training`` come in the order of ``stimuli.json``, which spans the range. Where they make too few
    trials of the protocol, sentences follow that the listener does not rate, with conditions from both ends of the list.
    """
    wanted = study.screening.training
    conditions = protocol.conditions(study.systems, study)
    chosen = _kept_for_training(stimuli, conditions)[:wanted]
    chosen += _others(stimuli, conditions, plan, rng)[: wanted - len(chosen)]
    return [
        protocol.arrange(
            study, stimuli, sentence, condition, int(rng.integers(protocol.variants)), rng, role="training"
        )
        for sentence, condition in chosen
    ]


def _kept_for_training(stimuli: StimulusSet, conditions: Sequence[Condition]) -> list[tuple[str, Condition]]:
    """(sentence, condition) with a training clip in it and every clip there; each sentence once before any comes again."""
    rounds: list[list[tuple[str, Condition]]] = []
    seen: dict[str, int] = {}
    done = set()
    for stimulus in stimuli.of_role("training"):
        for condition in conditions:
            pair = (stimulus.sentence, condition)
            if pair in done or stimulus.system not in condition or not _playable(stimuli, pair):
                continue
            done.add(pair)
            turn = seen.get(stimulus.sentence, 0)
            seen[stimulus.sentence] = turn + 1
            if turn == len(rounds):
                rounds.append([])
            rounds[turn].append(pair)
    return [pair for one in rounds for pair in one]


def _others(
    stimuli: StimulusSet, conditions: Sequence[Condition], plan: Sequence[Cell], rng: np.random.Generator
) -> list[tuple[str, Condition]]:
    """Every main sentence, those that the listener does not rate first, with conditions from both ends inwards."""
    rated = {sentence for sentence, _, _ in plan}
    shuffled = [str(sentence) for sentence in rng.permutation(main_sentences(stimuli))]
    ordered = sorted(shuffled, key=lambda sentence: sentence in rated)
    ends = [conditions[index // 2 if index % 2 == 0 else -1 - index // 2] for index in range(len(conditions))]
    return [(sentence, ends[index % len(ends)]) for index, sentence in enumerate(ordered)]


def _playable(stimuli: StimulusSet, pair: tuple[str, Condition]) -> bool:
    sentence, condition = pair
    return all(find_clip(stimuli, sentence, system, "training") is not None for system in condition)

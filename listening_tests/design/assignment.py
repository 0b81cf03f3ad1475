"""Which sentence a listener hears in which condition: the balance of a study.

All trials of all slots are one stream of positions p = 0, 1, 2, ...; slot k takes ``trials`` of them in turn. Position p is
sentence p mod S of pass m = p div S. In pass m = q C + r (C conditions), sentence s is heard in the condition

    c(s, m) = (s + r S + floor(r g / C)) mod C,    g = gcd(S, C)

which over the C passes of a round q gives a sentence every condition once (a Latin square where S = C), and along a pass runs
through the conditions one after the other, so that a listener hears them equally often. The floor takes the smallest
step that keeps a sentence from meeting a condition twice where S and C share a divisor. The way a condition is shown is

    v = (c + floor((r S + s) / C) + q) mod V

so that within V rounds each sentence meets each condition in each of its V variants once. Hence, for *any* number of first
slots, two counts of (sentence, condition, variant) differ by at most one, and after ``block_size`` slots they are equal.
A slot's plan depends on nothing but the study and the slot: returned by one listener, it is the same for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import StudyError
from ..protocols import Condition, get_protocol
from ..randomness import random_for
from ..study import Study
from .presentation import Place, presented

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet

Cell = tuple[str, Condition, int]
"""(sentence, condition, variant): one main trial before it has clips."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Everything that the arithmetic needs: names in seeded order, and the number of trials a slot."""

    sentences: tuple[str, ...]
    conditions: tuple[Condition, ...]
    variants: int
    trials: int

    def condition_at(self, position: int) -> int:
        sentences, conditions = len(self.sentences), len(self.conditions)
        in_round = position // sentences % conditions
        step = in_round * gcd(sentences, conditions) // conditions
        return (position % sentences + in_round * sentences + step) % conditions

    def variant_at(self, position: int) -> int:
        a_round = len(self.sentences) * len(self.conditions)
        within = position % a_round // len(self.conditions)
        return (self.condition_at(position) + within + position // a_round) % self.variants

    def cell(self, place: Place) -> Cell:
        return self.sentences[place.sentence], self.conditions[place.condition], place.variant


def main_sentences(stimuli: StimulusSet) -> list[str]:
    """The sentences that can be rated: those with a clip of a system that is not kept for training or traps."""
    rated = {stimulus.sentence for stimulus in stimuli.stimuli.values() if stimulus.role == "test"}
    return [sentence for sentence in stimuli.sentences if sentence in rated]


def trials_of(study: Study, stimuli: StimulusSet) -> int:
    """Main trials a listener.

    Raises:
        StudyError: more than the sentences allow.
    """
    return _layout_of(study, stimuli).trials


def block_size(study: Study, stimuli: StimulusSet) -> int:
    """The least number of slots over which every sentence x condition x variant comes equally often."""
    layout = _layout_of(study, stimuli)
    cells = len(layout.sentences) * len(layout.conditions) * layout.variants
    return cells // gcd(cells, layout.trials)


def plan_slot(study: Study, stimuli: StimulusSet, slot: int) -> list[Cell]:
    """The main trials of a slot, in the order presented.

    Args:
        slot: 0 or more.

    Raises:
        StudyError: systems or sentences that do not fit the protocol or the number of trials.
    """
    if slot < 0:
        raise StudyError(f"slot = {slot} must be 0 or more; slots count from 0")
    layout = _layout_of(study, stimuli)
    first = slot * layout.trials
    taken = [
        Place(position % len(layout.sentences), layout.condition_at(position), layout.variant_at(position))
        for position in range(first, first + layout.trials)
    ]
    # With each sentence once, first conditions run through all of them; otherwise slots do.
    shift = taken[0].condition if layout.trials == len(layout.sentences) else slot
    rng = random_for(study.seed, "presentation", slot)
    ordered = presented(
        taken, len(layout.conditions), shift, mirrored=bool(slot // len(layout.conditions) % 2), rng=rng
    )
    return [layout.cell(place) for place in ordered]


def check_design(study: Study, stimuli: StimulusSet) -> None:
    """Check before a study opens that every planned trial has its clips.

    Raises:
        StudyError: a clip that is missing, or a number of trials that cannot be.
    """
    layout = _layout_of(study, stimuli)
    protocol = get_protocol(study.protocol)
    rng = random_for(study.seed, "check")
    for sentence in layout.sentences:
        for condition in layout.conditions:
            protocol.arrange(study, stimuli, sentence, condition, 0, rng)


def counts(study: Study, stimuli: StimulusSet, slots: int | Iterable[int] | None = None) -> pd.DataFrame:
    """How often each main trial comes over some slots, none left out.

    Args:
        slots: which (completed ones, say), a number for that many first ones, None for ``design.listeners``.

    Returns:
        Columns ``sentence``, ``condition`` (systems joined by " | "), ``variant``, ``trials``.
    """
    layout = _layout_of(study, stimuli)
    slots = study.design.listeners if slots is None else slots
    cells = [(s, c, v) for s in layout.sentences for c in layout.conditions for v in range(layout.variants)]
    table = dict.fromkeys(cells, 0)
    for slot in range(slots) if isinstance(slots, int) else slots:
        for cell in plan_slot(study, stimuli, slot):
            table[cell] += 1
    rows = [(sentence, " | ".join(condition), variant, n) for (sentence, condition, variant), n in table.items()]
    return pd.DataFrame(rows, columns=["sentence", "condition", "variant", "trials"])


def _layout_of(study: Study, stimuli: StimulusSet) -> _Layout:
    protocol = get_protocol(study.protocol)
    conditions = protocol.conditions(study.systems, study)
    sentences = main_sentences(stimuli)
    if not sentences:
        raise StudyError("stimuli.json has no clip to rate (role 'test'); build the stimuli of the study first")
    rng = random_for(study.seed, "names")
    return _Layout(
        sentences=tuple(sentences[index] for index in rng.permutation(len(sentences))),
        conditions=tuple(conditions[index] for index in rng.permutation(len(conditions))),
        variants=protocol.variants,
        trials=_trials(study, len(sentences), len(conditions) * protocol.variants),
    )


def _trials(study: Study, sentences: int, showings: int) -> int:
    wanted = study.design.trials if study.design.trials is not None else sentences
    most = sentences * showings if study.design.repeat_sentences else sentences
    if wanted > sentences and not study.design.repeat_sentences:
        raise StudyError(
            f"design.trials = {wanted} is more than the {sentences} sentences, which a listener hears once each; "
            f"set it to at most {sentences}, or design.repeat_sentences = true"
        )
    if wanted > most:
        raise StudyError(f"design.trials = {wanted} is more than the {most} trials there are; set it to at most {most}")
    return wanted

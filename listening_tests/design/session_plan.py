"""A whole session, from consent to comments, decided before its first screen.

The main trials depend on the study and the slot alone. Everything else (which traps, where, the places of MUSHRA's sliders,
the sounds of the headphone check) also depends on the session's own seed, so that two listeners of one slot do not share an
answer key.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from ..model import Step
from ..protocols import Protocol, get_protocol
from ..randomness import random_for, seed_for
from ..stimuli.headphones import ROUNDS, right_interval
from ..study import Study
from .assignment import Cell, plan_slot
from .mixing import Special, place_specials
from .screens import break_step, comments_step, consent_step, headphone_steps, level_step, questions_step
from .special_trials import choose_traps, identical_step, repeat_step, trap_step
from .training import training_steps

if TYPE_CHECKING:
    from ..stimuli.stimulus_set import StimulusSet


def plan_session(study: Study, stimuli: StimulusSet, slot: int, seed: int | str) -> list[Step]:
    """Every step of a session, in order.

    Consent, questions if there are any, level, headphone checks, training, then main trials with traps, repeats and identical
    pairs among them and a break after every ``break_every`` trials, and comments. The ``secret["key"]["repeats"]`` of a
    repeat is the index of its original in this list.

    Args:
        slot: place in the design, 0 or more.
        seed: of the session, such as its id; the same arguments give the same steps.

    Raises:
        StudyError: a study that cannot be planned with these stimuli.
    """
    protocol = get_protocol(study.protocol)
    plan = plan_slot(study, stimuli, slot)
    before = [*_screens(study, slot, seed)]
    before += training_steps(study, stimuli, protocol, plan, random_for(study.seed, "training", slot, seed))
    offset = len(before) + 1  # consent comes before
    steps = [*before, *_trials(study, stimuli, protocol, plan, slot, seed, offset), comments_step()]
    minutes = ceil(sum(step.seconds for step in steps) / 60)
    return [consent_step(study, minutes), *steps]


def _screens(study: Study, slot: int, seed: int | str) -> list[Step]:
    steps = [questions_step(study)] if study.questions else []
    if study.screening.level:
        steps.append(level_step(seed_for(study.seed, "level", slot, seed)))
    for number, check in enumerate(study.screening.headphones):
        own = seed_for(study.seed, "headphones", number, slot, seed)
        steps += headphone_steps(check, own, _right_intervals(check, own))
    return steps


def _right_intervals(check: str, seed: int) -> list[int]:
    return [right_interval(check, seed, number) for number in range(ROUNDS)]


def _trials(
    study: Study,
    stimuli: StimulusSet,
    protocol: Protocol,
    plan: Sequence[Cell],
    slot: int,
    seed: int | str,
    offset: int,
) -> list[Step]:
    """Main and special trials with breaks; ``offset`` is the number of steps before them."""
    rng = random_for(study.seed, "trials", slot, seed)
    specials = place_specials(study.screening, len(plan), rng)
    trap_gaps = [special.gap for special in specials if special.role == "trap"]
    traps = dict(zip(trap_gaps, choose_traps(study, stimuli, trap_gaps, plan, rng), strict=True))
    by_gap = {special.gap: special for special in specials}
    total = len(plan) + len(specials)
    steps: list[Step] = []
    position_of_main: list[int] = []

    def add(step: Step) -> None:
        done = sum(one.kind == "trial" for one in steps)
        if study.break_every and done and done % study.break_every == 0:
            steps.append(break_step(done, total))
        steps.append(step)

    def special_step(special: Special) -> Step:
        if special.role == "trap":
            return trap_step(study, stimuli, protocol, traps[special.gap], plan, rng)
        if special.role == "identical":
            return identical_step(study, stimuli, protocol, special.gap, plan, rng)
        original = special.repeats
        return repeat_step(study, stimuli, protocol, plan[original], position_of_main[original], rng)

    for index, cell in enumerate(plan):
        add(protocol.arrange(study, stimuli, *cell, rng))
        position_of_main.append(offset + len(steps) - 1)
        if (special := by_gap.get(index + 1)) is not None:
            add(special_step(special))
    return steps

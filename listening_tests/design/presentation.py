"""In which order a listener meets the conditions.

Full runs through all C conditions follow a Williams sequence, moved on from run to run so that the pairs across the
joint differ too. What is left (fewer trials than conditions, or a remainder) follows the Williams sequence of what is left.
Each slot gets the same pattern moved round by its shift: over C slots with different shifts every condition takes every
place equally often, and, for an even C that divides the trials, follows every other equally often (2 C slots for an odd C).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .latin import williams_base


class Place(NamedTuple):
    """A main trial by numbers."""

    sentence: int
    condition: int
    variant: int


def presented(
    taken: Iterable[Place], conditions: int, shift: int, *, mirrored: bool, rng: np.random.Generator
) -> list[Place]:
    """Order one slot's trials.

    Args:
        taken: the trials of the slot.
        conditions: how many conditions the study has.
        shift: by which the pattern is moved round, modulo ``conditions``.
        mirrored: whether sequences run backwards; it matters for an odd number of conditions.
        rng: orders the sentences within a condition.
    """
    waiting: dict[int, list[Place]] = defaultdict(list)
    for place in taken:
        waiting[place.condition].append(place)
    for places in waiting.values():
        rng.shuffle(places)
    needed = Counter({condition: len(places) for condition, places in waiting.items()})
    heard: dict[int, int] = {}
    ordered = []
    for condition in condition_sequence(needed, conditions, shift, mirrored=mirrored):
        # a sentence heard before comes again as late as can be
        place = min(waiting[condition], key=lambda place: heard.get(place.sentence, -1))
        waiting[condition].remove(place)
        heard[place.sentence] = len(ordered)
        ordered.append(place)
    return ordered


def condition_sequence(needed: Counter[int], conditions: int, shift: int, *, mirrored: bool) -> list[int]:
    """The order of conditions: each as often as ``needed`` says."""
    left, sequence = Counter(needed), []
    runs = _runs(conditions, shift, mirrored)
    while min((left[condition] for condition in range(conditions)), default=0) > 0:
        run = next(runs)
        sequence += run
        left.subtract(run)
    while remaining := sorted((c for c in left if left[c] > 0), key=lambda c: (c - shift) % conditions):
        base = williams_base(len(remaining))
        run = [remaining[index] for index in (base[::-1] if mirrored else base)]
        if sequence and run[0] == sequence[-1]:
            run = [*run[1:], run[0]]
        sequence += run
        left.subtract(run)
    return sequence


def _runs(conditions: int, shift: int, mirrored: bool) -> Iterator[list[int]]:
    """Endless Williams sequences; the step across the joint takes the values 1 .. C-1 in turn."""
    base = williams_base(conditions)
    turns = (base[::-1], base) if mirrored else (base, base[::-1])
    if conditions % 2 == 0:
        turns = (base, base)
    previous, number = None, 0
    while True:
        turn = turns[number % 2]
        if previous is None:
            offset = shift
        else:
            step = 1 + (number - 1) % max(conditions - 1, 1)
            offset = previous + step - int(turn[0])
        run = [int(one + offset) % conditions for one in turn]
        yield run
        previous, number = run[-1], number + 1

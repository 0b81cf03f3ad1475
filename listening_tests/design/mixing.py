"""Where traps, repeats and identical pairs come among the main trials.

A gap g, 1 <= g <= n, lies behind the g-th of n main trials. Each special trial has a gap of its own, so none is first
and no two are adjacent; they are spread over the session, one to each of equal stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import StudyError
from ..study import Screening

FAR = 6  # main trials from a trial to its repeat, where there is room: not remembered as the one just heard


@dataclass(frozen=True, slots=True)
class Special:
    """A trial that is not for the systems' sake.

    Attributes:
        role: ``trap``, ``repeat`` or ``identical``.
        gap: the number of main trials before it.
        repeats: index of the main trial that a repeat asks again.
    """

    role: str
    gap: int
    repeats: int | None = None


def place_specials(screening: Screening, trials: int, rng: np.random.Generator) -> list[Special]:
    """Special trials in order of their gaps.

    Args:
        trials: main trials of the session.

    Raises:
        StudyError: more special trials than can be kept apart.
    """
    roles = ["trap"] * screening.traps + ["repeat"] * screening.repeats + ["identical"] * screening.identical
    first = 2 if screening.repeats else 1  # behind the first trial there is none to repeat but itself
    if len(roles) > trials - first + 1:
        raise StudyError(
            f"screening wants {len(roles)} traps, repeats and identical pairs among {trials} trials, but at most "
            f"{max(trials - first + 1, 0)} can be kept apart; ask for fewer or for more design.trials"
        )
    rng.shuffle(roles)
    gaps = _spread(len(roles), first, trials, rng)
    return _with_originals(roles, gaps, rng)


def _spread(count: int, first: int, last: int, rng: np.random.Generator) -> list[int]:
    """``count`` different whole numbers of first..last, one of each of ``count`` equal stretches, ascending."""
    edges = np.linspace(first, last + 1, count + 1).astype(int)
    return [int(rng.integers(low, high)) for low, high in pairwise(edges)]


def _with_originals(roles: Sequence[str], gaps: Sequence[int], rng: np.random.Generator) -> list[Special]:
    used: set[int] = set()
    specials = []
    for role, gap in zip(roles, gaps, strict=True):
        original = None
        if role == "repeat":
            # main trial gap - 1 has just been heard
            able = [index for index in range(gap - 1) if index not in used]
            far = [index for index in able if gap - index >= FAR]
            original = int(rng.choice(far or able))
            used.add(original)
        specials.append(Special(role, gap, original))
    return specials

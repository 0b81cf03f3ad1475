"""``full``: the whole utterance under full attention, the non-streaming upper bound; ``full+``: its control.

``full+`` is phase 1 continued for the budget that phase 2 gives to every mask, in the same way (a low-rank difference): what
more training alone buys, which must not be taken for what a mask buys.
"""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import Strategy, planned, schedule_of


def _strategy(name: str, description: str) -> Strategy:
    return planned(
        name,
        description,
        {},
        lambda bundle, p: Plan(
            name, bundle.pattern(name), BLOCK, hop=None, back=None, ahead=None, schedule=schedule_of(p)
        ),
    )


STRATEGY = _strategy("full", "whole utterance, full attention: the non-streaming upper bound")
CONTINUED = _strategy("full+", "control: full, with phase 1 continued for the budget that every mask had")

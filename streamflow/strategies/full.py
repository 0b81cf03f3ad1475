"""``full``: the whole utterance under full attention, the non-streaming upper bound."""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "full",
    "whole utterance, full attention: the non-streaming upper bound",
    {},
    lambda bundle, p: Plan(
        "full", bundle.pattern("full"), BLOCK, hop=None, back=None, ahead=None, schedule=schedule_of(p)
    ),
)

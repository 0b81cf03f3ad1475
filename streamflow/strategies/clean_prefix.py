"""``clean-prefix``: the past enters through keys and values of finished mel, and nothing is looked ahead to.

One more evaluation for each block writes them, at the end of its flow. Kimi-Audio and DiffRhythm 2 decode so.
"""

from __future__ import annotations

from ..decoding import Plan
from .base import planned, schedule_of


def _plan(bundle, p) -> Plan:
    pattern = bundle.pattern("clean-prefix")
    back = pattern.layers[0].back if p["back"] is None else p["back"]
    return Plan("clean-prefix", pattern, pattern.block, back=back, past="clean", schedule=schedule_of(p))


STRATEGY = planned(
    "clean-prefix",
    "blocks that see the finished mel of the blocks before them; equals its own parallel mask; no look-ahead",
    {"back": None},
    _plan,
)

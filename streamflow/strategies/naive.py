"""``naive``: each chunk decoded alone with the weights for full attention, and butted to the one before."""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "naive",
    "each chunk alone, full attention inside; fresh noise for each chunk",
    {"block": BLOCK, "hop": 1, "fresh_noise": True},
    lambda bundle, p: Plan(
        "full",
        bundle.pattern("full"),
        p["block"],
        hop=p["hop"],
        fresh_noise=p["fresh_noise"],
        schedule=schedule_of(p),
    ),
)

"""``causal``: frame-causal attention over all of the past, keys and values cached per evaluation and layer; exact."""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "causal",
    "frame-causal attention over all of the past, cached; equals the masked whole utterance",
    {"block": BLOCK, "hop": 1, "cached": True},
    lambda bundle, p: Plan(
        "causal",
        bundle.pattern("causal"),
        p["block"],
        hop=p["hop"],
        back=None,
        past="frozen" if p["cached"] else "window",
        schedule=schedule_of(p),
    ),
)

"""``window``: StreamFlow's window with the weights for full attention and full attention inside it.

It shows what the window alone does, without fine-tuning under masks; with ``backward`` and ``forward``, what masks alone do.
"""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of
from .placement import PLACEMENT, placed_as

STRATEGY = planned(
    "window",
    "StreamFlow's window with full attention inside: isolates what fine-tuning buys",
    {"block": BLOCK, "hop": 1, "back": 2, "ahead": 1, "past": "window", **PLACEMENT},
    lambda bundle, p: Plan(
        "full",
        placed_as(bundle.pattern("full"), p["block"], p),
        p["block"],
        hop=p["hop"],
        back=p["back"],
        ahead=p["ahead"],
        past=p["past"],
        schedule=schedule_of(p),
    ),
)

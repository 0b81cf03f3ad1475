"""``window``: StreamFlow's window with the weights for full attention and full attention inside it.

It shows what the window alone does, without fine-tuning under masks.
"""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "window",
    "StreamFlow's window with full attention inside: isolates what fine-tuning buys",
    {"block": BLOCK, "hop": 1, "back": 2, "ahead": 1, "past": "window"},
    lambda bundle, p: Plan(
        "full",
        bundle.pattern("full"),
        p["block"],
        hop=p["hop"],
        back=p["back"],
        ahead=p["ahead"],
        past=p["past"],
        schedule=schedule_of(p),
    ),
)

"""``cosyvoice``: block-causal attention over all of the past, as CosyVoice 2 and 3 decode (Du et al. 2024, 2025).

They recompute the whole prefix for each chunk (``cached=false``, the default), so the cost of a chunk grows with what
went before; with keys and values cached the audio is the same and only the attention and the memory grow.
"""

from __future__ import annotations

from ..decoding import Plan
from .base import blocks_of, planned, schedule_of


def _plan(bundle, p) -> Plan:
    past = "frozen" if p["cached"] else "window"
    pattern = blocks_of(bundle.pattern("cosyvoice"), p["block"])
    return Plan(
        "cosyvoice",
        pattern,
        pattern.block,
        hop=p["hop"],
        back=None,
        past=past,
        schedule=schedule_of(p),
    )


STRATEGY = planned(
    "cosyvoice",
    "block-causal attention over all of the past, prefix recomputed for each chunk as published",
    {"block": None, "hop": 1, "cached": False},
    _plan,
)

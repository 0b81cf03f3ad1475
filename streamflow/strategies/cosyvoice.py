"""``cosyvoice``: block-causal attention over all of the past, as CosyVoice 2 and 3 decode (Du et al. 2024, 2025).

They recompute the whole prefix for each chunk (``cached=false``, the default), so the cost of a chunk grows with what
went before; with keys and values cached the audio is the same and only the attention and the memory grow.
"""

from __future__ import annotations

from ..decoding import Plan
from .base import planned, schedule_of


def _plan(bundle, p) -> Plan:
    pattern = bundle.pattern("cosyvoice")
    return Plan(
        "cosyvoice", pattern, pattern.block, hop=p["hop"], back=None, cached=p["cached"], schedule=schedule_of(p)
    )


STRATEGY = planned(
    "cosyvoice",
    "block-causal attention over all of the past, prefix recomputed for each chunk as published",
    {"hop": 1, "cached": False},
    _plan,
)

"""``naive``: each chunk decoded alone with the weights for full attention, and butted to the one before.

With ``crossfade`` each chunk is decoded that share of a hop longer at its start, and its log-mel is faded into the end of
the one before with a raised cosine, as CosyVoice 1 fades its mels (Du et al. 2024): no seam, but no shared context either.
"""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "naive",
    "each chunk alone, full attention inside; fresh noise for each chunk",
    {"block": BLOCK, "hop": 1, "fresh_noise": True, "crossfade": 0.0},
    lambda bundle, p: Plan(
        "full",
        bundle.pattern("full"),
        p["block"],
        hop=p["hop"],
        fresh_noise=p["fresh_noise"],
        crossfade=p["crossfade"],
        schedule=schedule_of(p),
    ),
)

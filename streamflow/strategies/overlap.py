"""``overlap``: CosyVoice 1's streaming of a decoder with full attention (Du et al. 2024).

Each chunk is decoded alone, with some tokens more than it emits; these are discarded and decoded again with the next
chunk, from the same noise and condition (the published caches of both are what makes them the same there; here both are
functions of the frame). The new version of the mel fades in over the old one, 34 frames of Hamming window as published. With
the fade's default, as much of it as the overlap has. The published chunk has 100 tokens of 20 ms and overlaps by 20.
"""

from __future__ import annotations

from ..attention import BLOCK
from ..decoding import Plan
from .base import planned, schedule_of

STRATEGY = planned(
    "overlap",
    "CosyVoice 1: chunks overlap, the overlap is discarded and decoded again, mels are faded",
    {"block": BLOCK, "hop": 1, "overlap": 6, "fade": 34, "fade_window": "hamming"},
    lambda bundle, p: Plan(
        "full",
        bundle.pattern("full"),
        p["block"],
        hop=p["hop"],
        overlap=p["overlap"],
        fade=p["fade"],
        fade_window=p["fade_window"],
        schedule=schedule_of(p),
    ),
)

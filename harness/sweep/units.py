"""What the parameters of strategies count in, for axes; one that is not here has its name alone."""

from __future__ import annotations

UNITS = {
    "block": "frames of 10 ms",
    "hop": "blocks",
    "back": "blocks of context before",
    "ahead": "blocks of look-ahead",
    "backward": "layers looking a block back",
    "forward": "layers looking a block ahead",
    "nfe": "network evaluations",
    "guidance": "weight",
    "crossfade": "share of a hop",
    "look_ahead": "tokens",
}


def axis_title(parameter: str) -> str:
    """``block (frames of 10 ms)``."""
    unit = UNITS.get(parameter)
    return f"{parameter} ({unit})" if unit else parameter

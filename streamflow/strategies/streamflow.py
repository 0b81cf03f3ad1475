"""``streamflow-*``: block, backward and forward masks, decoded window by window (arXiv 2506.23986).

The published window holds as many blocks before and after as one network evaluation can reach. With more than one
evaluation it is not equal to the mask over the whole utterance: blocks at the window's edges follow trajectories of their
own. ``past`` says what else the past can be, ``back`` and ``ahead`` widen the window up to what all evaluations reach.
``backward`` and ``forward`` name other layers than the weights were trained with; p and q are how many they are.
"""

from __future__ import annotations

from ..decoding import Plan
from .base import Strategy, blocks_of, planned, schedule_of
from .placement import PLACEMENT, placed_as


def _strategy(name: str, description: str, past: str = "window") -> Strategy:
    def plan(bundle, p) -> Plan:
        trained = blocks_of(bundle.pattern(name), p["block"])
        pattern = placed_as(trained, trained.block, p)
        return Plan(
            name,
            pattern,
            pattern.block,
            hop=p["hop"],
            back=pattern.back if p["back"] is None else p["back"],
            ahead=pattern.ahead if p["ahead"] is None else p["ahead"],
            past=p["past"],
            token_ahead=bundle.token_ahead(name),
            schedule=schedule_of(p),
        )

    parameters = {"block": None, "hop": 1, "back": None, "ahead": None, "past": past, **PLACEMENT}
    return planned(name, description, parameters, plan)


BLOCK_ONLY = planned(
    "block",
    "StreamFlow's block mask alone: no block sees another",
    {"block": None, "hop": 1},
    lambda bundle, p: Plan(
        "block",
        pattern := blocks_of(bundle.pattern("block"), p["block"]),
        pattern.block,
        hop=p["hop"],
        schedule=schedule_of(p),
    ),
)
SHORT = _strategy("streamflow-sr", "StreamFlow, short range: 2 blocks back, 1 ahead")
LONG = _strategy("streamflow-lr", "StreamFlow, long range: 4 blocks back, 1 ahead")
LONG_TWO = _strategy("streamflow-lr2", "StreamFlow, long range with two layers looking ahead: 4 blocks back, 2 ahead")
NONE_AHEAD = _strategy(
    "streamflow-q0",
    "StreamFlow without look-ahead over mel, with one over tokens: 2 blocks back, kept; equals the masked whole utterance",
    past="frozen",
)

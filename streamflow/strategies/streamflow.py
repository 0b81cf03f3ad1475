"""``streamflow-sr`` and ``-lr``: block, backward and forward masks, decoded window by window (arXiv 2506.23986).

The window holds as many blocks before and after as one network evaluation can reach. With more than one evaluation it
is not equal to the mask over the whole utterance: blocks at the window's edges follow trajectories of their own.
"""

from __future__ import annotations

from ..decoding import Plan
from .base import planned, schedule_of


def _planner(name: str):
    def plan(bundle, p) -> Plan:
        pattern = bundle.pattern(name)
        back = pattern.back if p["back"] is None else p["back"]
        ahead = pattern.ahead if p["ahead"] is None else p["ahead"]
        return Plan(name, pattern, pattern.block, hop=p["hop"], back=back, ahead=ahead, schedule=schedule_of(p))

    return plan


_PARAMETERS = {"hop": 1, "back": None, "ahead": None}

SHORT = planned(
    "streamflow-sr",
    "StreamFlow, short range: 2 blocks back, 1 ahead",
    _PARAMETERS,
    _planner("streamflow-sr"),
)
LONG = planned(
    "streamflow-lr",
    "StreamFlow, long range: 4 blocks back, 1 ahead",
    _PARAMETERS,
    _planner("streamflow-lr"),
)

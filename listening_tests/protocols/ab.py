"""AB preference: which one sounds better, or no preference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Rating, Step
from .base import only_keys
from .pairs import PairProtocol, base_and_other, identical_system
from .scale import check_step_of_scale


class Ab(PairProtocol):
    """Answer ``{"choice": "A"|"B"|"same"}``; one row a trial: 1 where condition[1] was preferred, 0 not, 0.5 neither."""

    name = "ab"
    standard = "paired comparison (AB preference with a no-preference answer), both orders"
    scale = (("A", "ab.A"), ("same", "ab.same"), ("B", "ab.B"))
    value_range = (0.0, 1.0)

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "choice")
        check_step_of_scale(answer["choice"], self.scale)

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        base, other, label = base_and_other(step)
        choice = answer["choice"]
        value = 0.5 if choice == "same" else float(choice == label)
        return [Rating(label, other, base, value, response=choice, order=int(label == "B"))]

    def _identical_ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        system, choice = identical_system(step), answer["choice"]
        return [Rating("B", system, system, float(choice != "same"), truth="same", response=choice, order=1)]

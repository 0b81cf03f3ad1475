"""Comparison category rating, ITU-T P.800 Annex E: the second against the first, -3 to 3 (CMOS is its mean)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Rating, Step
from .base import only_keys
from .pairs import PairProtocol, base_and_other, identical_system
from .scale import check_step_of_scale


class Ccr(PairProtocol):
    """Answer ``{"value": -3..3}``, B against A; the row's sign is turned so that it is condition[1] against condition[0]."""

    name = "ccr"
    standard = "comparison category rating after ITU-T P.800 (Annex E) and P.808, both orders, sign corrected"
    scale = tuple((value, f"ccr.{value}") for value in (3, 2, 1, 0, -1, -2, -3))
    value_range = (-3.0, 3.0)

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "value")
        check_step_of_scale(answer["value"], self.scale)

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        base, other, label = base_and_other(step)
        value = float(answer["value"] if label == "B" else -answer["value"]) + 0.0  # no -0.0
        return [Rating(label, other, base, value, response=str(answer["value"]), order=int(label == "B"))]

    def _identical_ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        system, given = identical_system(step), answer["value"]
        return [Rating("B", system, system, float(given), truth="same", response=str(given), order=1)]

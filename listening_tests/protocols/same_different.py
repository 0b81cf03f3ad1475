"""Same-different: half of the trials are two systems, half one system twice, so that bias and sensitivity come apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model import Rating, Step
from .base import Condition, only_keys
from .pairs import PairProtocol
from .scale import check_step_of_scale


class SameDifferent(PairProtocol):
    """Answer ``{"choice": "same"|"different"}``; a row is 1 where "different" was said, ``truth`` tells what it was.

    Variants: (base, other), (other, base), (base, base), (other, other).
    """

    name = "same-different"
    view = "same-different"
    standard = "same-different discrimination with as many same as different trials, both orders"
    scale = (("same", "same-different.same"), ("different", "same-different.different"))
    value_range = (0.0, 1.0)
    variants = 4

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        base, other = condition
        first, second = ((base, other), (other, base), (base, base), (other, other))[variant]
        return {"A": first, "B": second}, {"truth": "same" if first == second else "different"}

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "choice")
        check_step_of_scale(answer["choice"], self.scale)

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        base, other = step.secret["condition"]
        choice, truth = answer["choice"], step.secret["key"]["truth"]
        order = int(step.secret["systems"]["B"] == other)
        return [Rating("B", other, base, float(choice == "different"), truth=truth, response=choice, order=order)]

    def _identical_ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        system, choice = step.secret["systems"]["A"], answer["choice"]
        return [Rating("B", system, system, float(choice == "different"), truth="same", response=choice, order=1)]

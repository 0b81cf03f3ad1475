"""Five-point scales: one clip, or one against a reference, answered with a whole number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import AnswerError
from ..model import REFERENCE, Rating, Step
from .base import Condition, Protocol, only_keys


class ScaleProtocol(Protocol):
    """Answer ``{"value": 1..5}``; one row a trial."""

    view = "scale"
    value_range = (1.0, 5.0)

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"A": condition[0]}, {}

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "value")
        check_step_of_scale(answer["value"], self.scale)

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        return [Rating("A", step.secret["systems"]["A"], "", float(answer["value"]), response=str(answer["value"]))]


class ReferencedScaleProtocol(ScaleProtocol):
    """The reference is heard first and shown as such; A is judged against it.

    An identical pair plays the reference twice; its row is how far the answer is from "the same" (5).
    """

    needs = frozenset({"reference"})
    catches_identical = True

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"reference": REFERENCE, "A": condition[0]}, {}

    def _identical_ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        distance = float(self.value_range[1] - answer["value"])
        return [Rating("A", REFERENCE, REFERENCE, distance, truth="same", response=str(answer["value"]))]


def five_points(prefix: str) -> tuple[tuple[int, str], ...]:
    """(5, "prefix.5") ... (1, "prefix.1")."""
    return tuple((value, f"{prefix}.{value}") for value in (5, 4, 3, 2, 1))


def check_step_of_scale(value: Any, scale: tuple[tuple[Any, str], ...]) -> None:
    """Refuse what is not one of the scale's answers; True is not 1, and 4.0 is not 4."""
    steps = [step for step, _ in scale]
    if type(value) is not type(steps[0]) or value not in steps:
        raise AnswerError(f"{value!r:.40} is not on the scale; choose one of {', '.join(map(str, steps))}")

"""ABX: is X the same as A or as B? Two alternatives, one right; score by the exact binomial and d' (differencing model)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import StudyError
from ..model import Rating, Step
from ..study import Study
from .base import Condition, only_keys
from .pairs import PairProtocol
from .scale import check_step_of_scale

OFFLINE = "full"  # the system that decodes the whole utterance at once, as a run names it


class Abx(PairProtocol):
    """Answer ``{"choice": "A"|"B"}``. Variant = order + 2 x place of X, so that over four variants order and X are crossed."""

    name = "abx"
    view = "abx"
    standard = "ABX discrimination (duo-trio with free switching), order and X balanced"
    scale = (("A", "abx.A"), ("B", "abx.B"))
    value_range = (0.0, 1.0)
    variants = 4
    catches_identical = False  # X would be the same as both
    listens = 1.5

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        shown, _ = super()._labels(condition, variant, rng)
        x = "A" if variant // 2 == 0 else "B"
        return {**shown, "X": shown[x]}, {"x": x}

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "choice")
        check_step_of_scale(answer["choice"], self.scale)

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        base, other = step.secret["condition"]
        truth, choice = step.secret["key"]["x"], answer["choice"]
        order = int(step.secret["systems"]["B"] == other)
        return [Rating("X", other, base, float(choice == truth), truth=truth, response=choice, order=order)]


class AbxOffline(Abx):
    """Chunked against offline decoding of the same tokens: can a listener tell that a system streams at all?"""

    name = "abx-offline"
    standard = "ABX discrimination of chunked against offline decoding of the same tokens, order and X balanced"
    needs = frozenset({"offline"})

    def conditions(self, systems: tuple[str, ...], study: Study) -> list[Condition]:
        chunked = [system for system in systems if system != OFFLINE]
        if not chunked:
            raise StudyError(f"abx-offline sets systems against {OFFLINE!r} but there is no other; name one in systems")
        return [(OFFLINE, system) for system in chunked]

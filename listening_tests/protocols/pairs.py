"""Two systems side by side as A and B, both orders balanced by the design."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model import Step
from ..study import Study
from .base import Condition, Protocol, pairs_of


class PairProtocol(Protocol):
    """Condition (base, other); variant 0 shows base as A, variant 1 as B. Ratings say ``other`` against ``base``."""

    view = "pair"
    variants = 2
    catches_identical = True
    listens = 1.3

    def conditions(self, systems: tuple[str, ...], study: Study) -> list[Condition]:
        return pairs_of(systems, study)

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        base, other = condition
        return ({"A": base, "B": other} if variant % 2 == 0 else {"A": other, "B": base}), {}


def base_and_other(step: Step) -> tuple[str, str, str]:
    """(base, other, label of other); for a pair of one system twice, other is B."""
    base, other = step.secret["condition"]
    return base, other, "B" if step.secret["systems"]["B"] == other else "A"


def identical_system(step: Step) -> str:
    """The system that an identical pair plays twice."""
    return step.secret["systems"]["A"]

"""Conditional flow matching (Lipman et al., ICLR 2023): the path, the loss, the solvers, the guidance.

x_t = (1 - t) z + t x, velocity x - z; z is noise, x the normalised mel, t runs from 0 to 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .errors import StrategyError

Velocity = Callable[[int, float, Tensor], Tensor]  # (evaluation index, t, x_t) -> v


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta method: nodes c, rows of a, weights b."""

    nodes: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]


SOLVERS = {
    "euler": Tableau((0.0,), ((),), (1.0,)),
    "midpoint": Tableau((0.0, 0.5), ((), (0.5,)), (0.0, 1.0)),
    "heun": Tableau((0.0, 1.0), ((), (1.0,)), (0.5, 0.5)),
    # the 3/8 rule, which Qwen2.5-Omni uses
    "rk4": Tableau(
        (0.0, 1 / 3, 2 / 3, 1.0), ((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)), (1 / 8, 3 / 8, 3 / 8, 1 / 8)
    ),
}


@dataclass(frozen=True)
class Schedule:
    """When the network is evaluated: all times are known beforehand, so what depends on time alone is computed once.

    Attributes:
        solver: a name in ``SOLVERS``.
        nfe: network evaluations in sequence; a multiple of the solver's stages.
        guidance: w of v = v_c + w (v_c - v_u) (Ho & Salimans 2022); 0 evaluates the condition alone.
        warp: ``cosine`` (1 - cos(πu/2), CosyVoice) spends more steps near the noise; ``linear`` does not.
    """

    solver: str = "euler"
    nfe: int = 4
    guidance: float = 0.7
    warp: str = "cosine"

    def __post_init__(self):
        if self.solver not in SOLVERS:
            raise StrategyError(f"unknown solver {self.solver}; choose one of {', '.join(SOLVERS)}")
        stages = len(SOLVERS[self.solver].nodes)
        if not isinstance(self.nfe, int):
            raise StrategyError(f"nfe={self.nfe!r} must be a whole number")
        if not isinstance(self.guidance, int | float) or not 0 <= self.guidance < float("inf"):
            raise StrategyError(f"guidance={self.guidance!r} must be a number of at least 0")
        if self.nfe < stages or self.nfe % stages:
            raise StrategyError(f"nfe={self.nfe} is no multiple of the {stages} stages of {self.solver}; change nfe")
        if self.warp not in ("cosine", "linear"):
            raise StrategyError(f"unknown warp {self.warp}; choose cosine or linear")

    @property
    def knots(self) -> list[float]:
        """Times at which steps begin, and 1."""
        steps = self.nfe // len(SOLVERS[self.solver].nodes)
        grid = [i / steps for i in range(steps + 1)]
        return grid if self.warp == "linear" else [1 - math.cos(math.pi * u / 2) for u in grid[:-1]] + [1.0]

    @property
    def times(self) -> list[float]:
        """Time of each network evaluation, in order."""
        knots = self.knots
        return [a + c * (b - a) for a, b in itertools.pairwise(knots) for c in SOLVERS[self.solver].nodes]


def integrate(velocity: Velocity, x: Tensor, schedule: Schedule) -> Tensor:
    """Carry noise ``x`` from t = 0 to t = 1.

    ``velocity`` is told the index of the evaluation, to which caches and precomputed modulations belong.
    """
    tableau, knots, index = SOLVERS[schedule.solver], schedule.knots, 0
    for start, stop in itertools.pairwise(knots):
        step, slopes = stop - start, []
        for node, row in zip(tableau.nodes, tableau.rows, strict=True):
            at = x + step * sum(a * v for a, v in zip(row, slopes, strict=True)) if row else x
            slopes.append(velocity(index, start + node * step, at))
            index += 1
        x = x + step * sum(b * v for b, v in zip(tableau.weights, slopes, strict=True) if b)
    return x


def guide(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: v_c + w (v_c - v_u)."""
    return conditional + guidance * (conditional - unconditional)

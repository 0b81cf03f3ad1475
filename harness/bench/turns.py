"""Work that takes turns, A-B-C-C-B-A, so that what drifts on the machine weighs alike on all of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..latency.ratio import Ratio, ratio_of

Clock = Callable[[], float]
Work = Callable[[], Mapping[str, float]]
LEAST_ROUNDS = 2  # below which there is no interval


@dataclass
class Turns:
    """What was measured, by arm.

    Attributes:
        rounds: by arm and metric, one value a round: the geometric mean of its two turns.
    """

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def of(self, arm: str, metric: str) -> np.ndarray:
        """Values ``[rounds]``.

        Raises:
            KeyError: no such arm or metric.
        """
        return np.asarray(self.rounds[arm][metric])

    def typical(self, arm: str, metric: str) -> float:
        """The median over rounds."""
        return float(np.median(self.of(arm, metric)))

    def ratio(self, arm: str, baseline: str, metric: str) -> Ratio | None:
        """How many times ``arm`` is ``baseline``, from the rounds that both took part in; None where there are none."""
        if arm not in self.rounds or baseline not in self.rounds:
            return None
        a, b = self.of(arm, metric), self.of(baseline, metric)
        both = min(len(a), len(b))
        return ratio_of(np.log(a[:both] / b[:both])) if both else None


def timed(work: Callable[[], object], clock: Clock = time.perf_counter) -> Work:
    """Work that says how long it took, as ``seconds``."""

    def turn() -> dict[str, float]:
        began = clock()
        work()
        return {"seconds": clock() - began}

    return turn


def take_turns(
    arms: Mapping[str, Work],
    rounds: int,
    *,
    budget_s: float = math.inf,
    clock: Clock = time.perf_counter,
    tick: Callable[[str], None] = lambda arm: None,
) -> Turns:
    """Let every arm work twice a round, in order and back.

    Args:
        arms: by name; each turn gives its metrics, all above 0. One turn each goes before, unrecorded.
        rounds: how many, two at least for an interval.
        budget_s: an arm that has taken longer sits out the rounds after the second.
        clock: for the budget.
        tick: told the arm before each of its turns.

    Raises:
        KeyboardInterrupt: and whatever an arm raises; nothing is kept.
    """
    done, spent = Turns(), dict.fromkeys(arms, 0.0)

    def turn(arm: str) -> Mapping[str, float]:
        tick(arm)
        began = clock()
        try:
            return arms[arm]()
        finally:
            spent[arm] += clock() - began

    for arm in arms:
        turn(arm)
    for number in range(rounds):
        taking = [arm for arm in arms if number < LEAST_ROUNDS or spent[arm] < budget_s]
        logs: dict[str, list[Mapping[str, float]]] = {arm: [] for arm in taking}
        for arm in [*taking, *reversed(taking)]:
            logs[arm].append(turn(arm))
        for arm, (there, back) in logs.items():
            metrics = done.rounds.setdefault(arm, {})
            for metric in there:
                metrics.setdefault(metric, []).append(_middle(there[metric], back[metric]))
    return done


def _middle(a: float, b: float) -> float:
    """Geometric mean; a clock may show no time at all."""
    return math.sqrt(max(a, 1e-9) * max(b, 1e-9))

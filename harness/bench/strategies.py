"""Every strategy over one utterance: ratios to ``full`` and ``cosyvoice``, first packet, real-time factor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamflow.audio import SAMPLE_RATE

from ..inputs import TOKENS_PER_SECOND
from ..render import render
from .bench_context import Context
from .result import Result
from .turns import take_turns

BASELINES = ("full", "cosyvoice")


def measure(context: Context) -> Result:
    """One row a strategy."""
    request = context.workload.request(context.effort.length_s)
    waited: dict[str, float] = {}

    def arm(label: str) -> Callable[[], dict[str, float]]:
        def turn() -> dict[str, float]:
            done = render(label, context.systems[label], request)
            waited[label] = done.trace[0].tokens_in / TOKENS_PER_SECOND
            return {
                "work": done.work_s,
                "rtf": done.work_s / (len(done.samples) / SAMPLE_RATE),
                "first": done.trace[0].compute_s,
                "chunk": float(np.median([chunk.compute_s for chunk in done.trace])),
            }

        return turn

    turns = take_turns(
        {label: arm(label) for label in context.systems},
        context.effort.rounds,
        budget_s=context.effort.budget_s,
        clock=context.clock,
        tick=context.tick,
    )
    rows, wrong = [], []
    for label, system in context.systems.items():
        rows.append(
            {"strategy": label}
            | {f"work / {b}": turns.ratio(label, b, "work") for b in BASELINES if b in context.systems}
            | {
                "rtf": turns.typical(label, "rtf"),
                "first packet_ms": 1e3 * turns.typical(label, "first"),
                "chunk_ms": 1e3 * turns.typical(label, "chunk"),
                "algorithmic_s": system.algorithmic_latency_s,
                "measured_s": waited[label],
            }
        )
        expected = system.algorithmic_latency_s
        if expected is not None and abs(expected - waited[label]) > 1e-9 and expected <= context.effort.length_s:
            wrong.append(label)
    notes = [
        f"Utterances of {context.effort.length_s:g} s. Ratios: geometric mean and 95 % interval over rounds; first packet "
        "is computing time alone, algorithmic_s the tokens that must be there before (from the configuration; "
        "measured_s: how many were). full and - wait for the whole utterance."
    ]
    notes += [f"{label}: the first packet did not come when the configuration says" for label in wrong]
    return Result("strategies", "Strategies, in turn", rows, notes)

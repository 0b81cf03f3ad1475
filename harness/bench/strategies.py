"""Every strategy over one utterance: ratios to ``full`` and ``cosyvoice``, first packet, real-time factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streamflow.session import StreamRequest

from ..latency.ratio import Open
from .bench_context import Context
from .result import Result
from .turns import Clock, take_turns

BASELINES = ("full", "cosyvoice")


@dataclass(frozen=True)
class Driven:
    """A session from its first token to its last sample.

    Attributes:
        work_s: in it altogether, by the clock.
        chunks_s: of each chunk, since the one before.
        waited_tokens: pushed when the first chunk came.
    """

    work_s: float
    chunks_s: list[float]
    waited_tokens: int


def drive(open_session: Open, request: StreamRequest, clock: Clock) -> Driven:
    """Decode a request, one token a push."""
    began = before = clock()
    session, chunks, waited = open_session(request), [], 0
    calls = [lambda token=request.tokens[i : i + 1]: session.push(token) for i in range(len(request.tokens))]
    for count, call in enumerate([*calls, session.finish], 1):
        for _ in call():
            now = clock()
            chunks.append(now - before)
            before, waited = now, waited or min(count, len(request.tokens))
    return Driven(clock() - began, chunks, waited)


def measure(context: Context) -> Result:
    """One row a strategy."""
    request = context.workload.request(context.effort.length_s)
    waited: dict[str, float] = {}

    def arm(label: str) -> Callable[[], dict[str, float]]:
        def turn() -> dict[str, float]:
            done = drive(context.systems[label], request, context.clock)
            waited[label] = done.waited_tokens / request.tokens_per_second
            return {
                "work": done.work_s,
                "rtf": done.work_s / (len(request.tokens) / request.tokens_per_second),
                "first": done.chunks_s[0],
                "chunk": float(np.median(done.chunks_s)),
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
                "pauseless_s": system.pauseless_latency_s,
            }
        )
        expected = system.algorithmic_latency_s
        if expected is not None and abs(expected - waited[label]) > 1e-9 and expected <= context.effort.length_s:
            wrong.append(label)
    notes = [
        f"Utterances of {context.effort.length_s:g} s. Ratios: geometric mean and 95 % interval over rounds; first packet "
        "is computing time alone, algorithmic_s the tokens that must be there before (from the configuration; "
        "measured_s: how many were; pauseless_s: to play on without a pause). full and - wait for the whole utterance."
    ]
    notes += [f"{label}: the first packet did not come when the configuration says" for label in wrong]
    return Result("strategies", "Strategies, in turn", rows, notes)

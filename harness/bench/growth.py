"""Chunk latency against history: flat, or how steep."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..latency.slope import fit_slope
from .bench_context import Context
from .result import Result
from .turns import Clock, Turns, take_turns, timed

FLAT = 0.03  # of the chunk's cost at the shortest history, over the whole range


def verdict(low: float | None, high: float | None, margin: float = FLAT) -> str:
    """What an interval of growth says of flatness: ``shown``, ``not shown`` or ``contradicted``."""
    if low is None or high is None:
        return "not shown"
    if low > margin or high < -margin:
        return "contradicted"
    return "shown" if -margin <= low and high <= margin else "not shown"


def growth(
    parked: Mapping[tuple[str, float], Callable[[], object]],
    rounds: int,
    *,
    clock: Clock,
    budget_s: float = float("inf"),
    tick: Callable[[str], None] = lambda what: None,
) -> list[dict]:
    """Rows of systems with the cost of a chunk by history, its slope, and whether it is flat.

    Args:
        parked: by label and history in seconds: decodes one more chunk there.
        rounds: in turn, over all of them.
        clock: seconds; or counted work, in the same place.
        budget_s: see :func:`harness.bench.turns.take_turns`.
        tick: told what is next.
    """
    names = {f"{label}, {history:g} s of history": (label, history) for label, history in parked}
    arms = {name: timed(parked[key], clock) for name, key in names.items()}
    turns = take_turns(arms, rounds, budget_s=budget_s, clock=clock, tick=tick)
    return [_row(label, names, turns) for label in dict.fromkeys(label for label, _ in parked)]


def _row(label: str, names: Mapping[str, tuple[str, float]], turns: Turns) -> dict:
    mine = {history: name for name, (who, history) in names.items() if who == label}
    row: dict = {"strategy": label}
    row |= {f"{h:g} s_ms": 1e3 * turns.typical(name, "seconds") for h, name in mine.items()}
    shortest, longest = min(mine), max(mine)
    base = turns.typical(mine[shortest], "seconds")
    points = [(h, s, r) for h, name in mine.items() for r, s in enumerate(turns.of(name, "seconds"))]
    fit = fit_slope(*zip(*points, strict=True)) if longest > shortest else None
    if fit is None:
        return row | {"slope_ms_per_s": None, "growth_%": None, "low_%": None, "high_%": None, "flat": "not shown"}
    scale = (longest - shortest) / base  # from a slope to the share that it adds over the range
    low, high = (None if bound is None else bound * scale for bound in (fit.low, fit.high))
    if low is None and fit.repeats > 1:  # counted work: rounds agree, so there is no spread to be uncertain about
        low = high = fit.slope * scale
    return row | {
        "slope_ms_per_s": 1e3 * fit.slope,
        "growth_%": 100 * fit.slope * scale,
        "low_%": None if low is None else 100 * low,
        "high_%": None if high is None else 100 * high,
        "flat": verdict(low, high),
    }


def measure(context: Context) -> Result:
    """One row a streaming strategy."""
    parked = {}
    for entry in context.streaming:
        for history in context.effort.histories_s:
            parked[entry.label, history] = context.parked(entry, history).advance
    rows = growth(
        parked,
        context.effort.rounds,
        clock=context.clock,
        budget_s=context.effort.budget_s,
        tick=context.tick,
    )
    for row in rows:  # what a listener waits for beside the computing
        row["algorithmic_s"] = context.systems[row["strategy"]].algorithmic_latency_s
    notes = [
        "growth_%: what the slope (median of pairs in each round; 95 % interval over rounds) adds from the shortest to "
        f"the longest history. flat: within {100 * FLAT:g} % is shown, not shown, or contradicted.",
        "full renders an utterance in one piece: its cost is in the table of strategies.",
    ]
    return Result("growth", "Time of a chunk against the history before it", rows, notes)

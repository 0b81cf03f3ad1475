"""Cached inference against recomputing: what the block counts promise, what was counted, what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from streamflow.errors import StreamflowError
from streamflow.mel import FRAME_RATE
from streamflow.strategies import parameters_of_strategy

from .bench_context import Context
from .counting import counting, expected_cached_ratio, expected_prefix_ratio
from .entries import Entry
from .parking import Parked
from .result import Result
from .turns import take_turns, timed

WINDOW, FROZEN = "window", "frozen"  # values of ``past``: decoded again, or keys and values kept


def pairs(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, Entry]]:
    """(recomputed, cached) of every strategy that has both."""
    for name in dict.fromkeys(entry.strategy for entry in entries):
        known = parameters_of_strategy(name)
        if "cached" in known:
            yield Entry(name, name).with_(cached=False), Entry(name, name).with_(cached=True)
        elif "past" in known:
            yield Entry(name, name).with_(past=WINDOW), Entry(name, name).with_(past=FROZEN)


def measure(context: Context) -> Result:
    """One row a pair, at a history of the middle length."""
    history_s = sorted(context.effort.histories_s)[min(1, len(context.effort.histories_s) - 1)]
    parked: dict[str, Parked] = {}
    found, missing = [], []
    for recomputed, cached in pairs(context.entries):
        try:
            for entry in (recomputed, cached):
                parked[entry.label] = context.parked(entry, history_s)
            found.append((recomputed, cached))
        except StreamflowError as error:
            missing.append(f"{cached.label}: {error}")
    counted = {label: _counted_flops(context, label, one) for label, one in parked.items()}
    arms = {label: timed(one.advance, context.clock) for label, one in parked.items()}
    turns = take_turns(
        arms, context.effort.rounds, budget_s=context.effort.budget_s, clock=context.clock, tick=context.tick
    )
    rows = []
    for recomputed, cached in found:
        plan, a, b = recomputed.plan(context.bundle), recomputed.label, cached.label
        (frames_a, flops_a, before), (frames_b, flops_b, _) = counted[a], counted[b]
        expected = expected_cached_ratio(plan.pattern, plan.hop)
        if expected is None:
            expected = expected_prefix_ratio(before, plan.hop_frames)
        rows.append(
            {
                "recomputed / cached": b,
                "expected": expected,
                "frames counted": frames_a / frames_b,
                "FLOPs counted": flops_a / flops_b,
                "time": turns.ratio(a, b, "seconds"),
            }
        )
    notes = [
        f"At {history_s:g} s of history. Expected: of frames through the network, by blocks, (p + hop + q) / (hop + q), or "
        "prefix over hop where all of the past is seen. Time has the vocoder in it, which caching leaves as it is."
    ]
    return Result("caching", "Recomputing against caching, time of a chunk", rows, notes + missing)


def _counted_flops(context: Context, label: str, parked: Parked) -> tuple[int, int, int]:
    """Frames and FLOPs of one chunk, and the frames emitted before it."""
    plan = Entry.parse(label).plan(context.bundle)
    before = round(parked.history_s * FRAME_RATE) - (plan.lookahead_frames or 0)
    with counting(context.bundle.decoder(plan.weights)) as counted:
        parked.advance()
    return counted.frames, counted.flops, before

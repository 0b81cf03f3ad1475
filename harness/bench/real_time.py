"""How many streams are held in real time: more and more sessions, until one falls behind its tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from streamflow.batching import batched_system
from streamflow.session import StreamRequest

from ..latency.paced import run_together
from ..latency.ratio import Open
from ..render import ChunkTrace
from .bench_context import Context
from .result import Result

CHOSEN = ("streamflow-sr", "streamflow-lr", "cosyvoice", "cosyvoice:cached=true", "causal")


def keeps_up(trace: Sequence[ChunkTrace], hop_s: float) -> bool:
    """Whether every chunk came within a hop of the last token that it needed: a later one is behind the next.

    At a stream's end one token completes several chunks. Each plays for a hop, so that the next of them may come a hop later.
    """
    together = Counter[int]()  # chunks by the tokens that had come
    for chunk in trace:
        together[chunk.tokens_in] += 1
        allowed_s = together[chunk.tokens_in] * hop_s
        if chunk.arrived_s - chunk.tokens_in / chunk.tokens_per_second > allowed_s:
            return False
    return True


def most_streams(holds: Callable[[int], bool], limit: int) -> int:
    """The most streams that are held, by doubling and halving; 0 where not even one is.

    Args:
        holds: whether so many are; taken to stay False once it is.
        limit: not beyond it.
    """
    good, bad = 0, limit + 1
    trial = 1
    while good < limit and trial < bad:
        if holds(trial):
            good, trial = trial, min(2 * trial, limit)
        else:
            bad = trial
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def held(open_session: Open, requests: Sequence[StreamRequest], hop_s: float) -> bool:
    """Whether all of these streams, beside each other, keep up."""
    done = run_together(open_session, requests)
    return all(keeps_up(stream.trace, hop_s) for stream in done.streams)


def measure(context: Context) -> Result:
    """One row a strategy, one by one and batched."""
    rate = context.workload.tokens_per_second
    labels = [entry for entry in context.streaming if entry.label in CHOSEN] or context.streaming
    limit, rows = context.effort.most_streams, []
    for entry in labels:
        hop_s = entry.plan(context.bundle).hop_frames / 100
        row: dict = {"strategy": entry.label}
        ways = {"each by itself": context.systems[entry.label]}
        ways["batched"], _ = batched_system(entry.strategy, context.bundle, **entry.parameters)
        for way, system in ways.items():

            def holds(
                count: int, system: Open = system, hop_s: float = hop_s, what: str = f"{entry.label}, {way}"
            ) -> bool:
                context.tick(f"{what}, {count} streams")
                requests = [context.workload.request(context.effort.stream_s, seed) for seed in range(count)]
                return held(system, requests, hop_s)

            holds(1)  # weights are read and packed at the first hop of a system: that turn does not count
            most = most_streams(holds, limit)
            row[way] = f"at least {limit}" if most == limit else most
        rows.append(row)
    notes = [
        f"Streams of {context.effort.stream_s:g} s at {rate:g} tokens a second that start together; held means "
        "that no chunk came more than a hop after its last token; at the end, where one token completes several, each a hop "
        "after the other. What else runs on the machine takes streams away."
    ]
    return Result("streams", "Streams held in real time", rows, notes)

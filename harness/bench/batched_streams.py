"""What decoding several streams in one batch gains over decoding them side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from streamflow.batching import batched_system
from streamflow.session import StreamRequest

from ..latency.ratio import Open
from .bench_context import Context
from .result import Result
from .turns import take_turns, timed

STREAMS = (2, 4, 8)


def decode_all(open_session: Open, requests: Sequence[StreamRequest]) -> None:
    """Decode requests at once, a thread each, all tokens there from the start.

    Raises:
        BaseException: the first that a stream raised.
    """
    errors: list[BaseException] = []

    def run(request: StreamRequest) -> None:
        try:
            session = open_session(request)
            for chunks in (session.push(request.tokens), session.finish()):
                for _ in chunks:
                    pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(request,), daemon=True) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def decode_in_turn(open_session: Open, requests: Sequence[StreamRequest]) -> None:
    """Decode requests one after another, in this thread."""
    for request in requests:
        session = open_session(request)
        for chunks in (session.push(request.tokens), session.finish()):
            for _ in chunks:
                pass


def measure(context: Context) -> Result:
    """One row a strategy and number of streams: throughput of batching over the two ways without."""
    rows = []
    for entry in context.streaming:
        if not (entry.strategy.startswith("streamflow") or entry.plan(context.bundle).cached):
            continue
        together, batcher = batched_system(entry.strategy, context.bundle, **entry.parameters)
        alone = context.systems[entry.label]
        for count in STREAMS:
            requests = [context.workload.request(context.effort.length_s / 2, seed) for seed in range(count)]
            batcher.sizes.clear()
            ways: dict[str, Callable[[], None]] = {
                "batched": lambda r=requests, s=together: decode_all(s, r),
                "threads": lambda r=requests, s=alone: decode_all(s, r),
                "in turn": lambda r=requests, s=alone: decode_in_turn(s, r),
            }
            turns = take_turns(
                {way: timed(work, context.clock) for way, work in ways.items()},
                context.effort.rounds,
                budget_s=context.effort.budget_s,
                clock=context.clock,
                tick=lambda way, e=entry, n=count: context.tick(f"{e.label}, {n} streams, {way}"),
            )
            windows = sum(size * number for size, number in batcher.sizes.items())
            rows.append(
                {
                    "strategy": entry.label,
                    "streams": count,
                    "threads / batched": turns.ratio("threads", "batched", "seconds"),
                    "in turn / batched": turns.ratio("in turn", "batched", "seconds"),
                    "windows a batch": windows / max(1, sum(batcher.sizes.values())),
                }
            )
    notes = ["Above 1, batching is faster. All tokens are there from the start. The vocoder is not batched."]
    return Result("batching", "Throughput of batched streams against streams by themselves", rows, notes)

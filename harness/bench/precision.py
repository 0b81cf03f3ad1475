"""Ways to multiply: torch's own float32, packed float32, packed bfloat16; how fast, and how far from one another."""

from __future__ import annotations

import torch

from streamflow.checkpoints import Bundle
from streamflow.decoding import Evaluator, MelStream
from streamflow.packed import bfloat16_in_hardware, packing

from ..latency.speech import tokens_of
from .bench_context import Context
from .entries import Entry
from .result import Result
from .turns import take_turns, timed

DECIBELS = 20 / 2.302585092994046  # of a difference of natural logarithms of magnitudes


def mel_of(bundle: Bundle, entry: Entry, context: Context, length_s: float) -> torch.Tensor:
    """Log-mel ``[T, 80]`` of the workload's stream."""
    stream = MelStream(Evaluator(bundle, entry.plan(bundle)), torch.from_numpy(context.workload.request(1).speaker), 0)
    stream.add(torch.from_numpy(context.workload.tokens(tokens_of(length_s))))
    pieces = []
    while span := stream.next_span(finished=True):
        pieces.append(stream.emit(span))
    return torch.cat(pieces)


def distance_db(a: torch.Tensor, b: torch.Tensor) -> float:
    """Root mean square difference of two log-mels in dB."""
    return float((a - b).square().mean().sqrt()) * DECIBELS


def measure(context: Context) -> Result:
    """One row a way, of the first StreamFlow strategy, or of the first one."""
    entry = next((e for e in context.streaming if e.strategy.startswith("streamflow")), context.entries[0])
    on_cpu = context.bundle.device.type == "cpu"
    ways: dict[str, tuple[Bundle, bool]] = {"float32, packed" if on_cpu else "float32": (context.bundle, True)}
    if on_cpu:
        ways["float32, torch's own"] = (context.bundle, False)
    if not on_cpu or bfloat16_in_hardware():
        ways["bfloat16, packed" if on_cpu else "bfloat16"] = (context.bundle.of_type("bfloat16"), True)
    mels, arms = {}, {}
    for way, (bundle, packed) in ways.items():
        context.tick(f"{entry.label}, {way}")

        def work(bundle: Bundle = bundle, packed: bool = packed) -> torch.Tensor:
            with packing(packed):
                return mel_of(bundle, entry, context, context.effort.length_s)

        mels[way], arms[way] = work(), timed(work, context.clock)
    turns = take_turns(
        arms, context.effort.rounds, budget_s=context.effort.budget_s, clock=context.clock, tick=context.tick
    )
    first = next(iter(ways))
    rows = [
        {
            "products": way,
            f"time / {first}": turns.ratio(way, first, "seconds"),
            "mel distance_dB": distance_db(mels[way], mels[first]),
        }
        for way in ways
    ]
    notes = [f"{entry.label}, acoustic model alone. Distance: root mean square over frames and bands, same noise."]
    if on_cpu and not bfloat16_in_hardware():
        notes.append("This processor has no bfloat16 products.")
    return Result("precision", "Types and layouts of the matrix products", rows, notes)

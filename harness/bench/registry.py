"""The measurements. A new one is a new file with a ``measure(context)`` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..corpus import did_you_mean
from . import batched_streams, caching, floor, growth, machine, memory_held, precision, real_time, strategies
from .bench_context import Context
from .errors import BenchError
from .result import Result


@dataclass(frozen=True)
class Measurement:
    """A name, a line of description, and what measures."""

    name: str
    description: str
    measure: Callable[[Context], Result]


MEASUREMENTS = (
    Measurement("machine", "matrix products and copies a second", machine.measure),
    Measurement("nfe", "one network evaluation against the floor of FLOPs and bytes", floor.measure),
    Measurement("strategies", "each strategy against full and cosyvoice, first packet, RTF", strategies.measure),
    Measurement("caching", "recomputing against caching, expected and measured", caching.measure),
    Measurement("growth", "chunk latency against history, and whether it is flat", growth.measure),
    Measurement("memory", "bytes that a session holds against its history", memory_held.measure),
    Measurement("precision", "float32, packed float32 and bfloat16", precision.measure),
    Measurement("batching", "streams in one batch against streams by themselves", batched_streams.measure),
    Measurement("streams", "streams held in real time", real_time.measure),
)


def chosen(names: Sequence[str] | None) -> tuple[Measurement, ...]:
    """The measurements of these names, in the registry's order; all for None.

    Raises:
        BenchError: an unknown one, with the nearest.
    """
    known = [m.name for m in MEASUREMENTS]
    for name in names or ():
        if name not in known:
            raise BenchError(f"unknown measurement {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return tuple(m for m in MEASUREMENTS if names is None or m.name in names)

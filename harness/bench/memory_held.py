"""What a session keeps of its past, counted in bytes, and what the process grew by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psutil
import torch

from .bench_context import Context
from .result import Result


def storages(root: object) -> dict[int, int]:
    """Every tensor and array that ``root`` holds through attributes and containers: address to bytes."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor) and thing.is_mkldnn:
            continue  # a packed weight, which shows no storage; no session has one of its own
        if isinstance(thing, torch.Tensor):
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(thing, np.ndarray):
            base = thing
            while isinstance(base.base, np.ndarray):
                base = base.base
            found[base.__array_interface__["data"][0]] = base.nbytes
        waiting.extend(_held(thing))
    return {address: size for address, size in found.items() if size}


def _held(thing: object) -> Iterator[object]:
    if isinstance(thing, torch.Tensor | np.ndarray | str | bytes | type):
        return
    if isinstance(thing, dict):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    else:
        yield from getattr(thing, "__dict__", {}).values()
        for kind in type(thing).__mro__:
            slots = getattr(kind, "__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(thing, name):
                    yield getattr(thing, name)


def own_bytes(session: object, other: object) -> int:
    """Bytes that ``session`` holds and ``other``, a session of the same system, does not: weights are shared."""
    shared = storages(other)
    return sum(size for address, size in storages(session).items() if address not in shared)


def measure(context: Context) -> Result:
    """One row a streaming strategy: bytes by history, and the growth a second."""
    rows, process = [], psutil.Process()
    for entry in context.streaming:
        system = context.systems[entry.label]
        row: dict = {"strategy": entry.label}
        held: dict[float, int] = {}
        before = process.memory_info().rss
        for history in context.effort.histories_s:
            parked = context.parked(entry, history, system)
            parked.advance()
            other = system(context.workload.request(0.04))
            held[history] = own_bytes(parked.session, other)
            row[f"{history:g} s_kB"] = held[history] / 1e3
        shortest, longest = min(held), max(held)
        span = longest - shortest
        row["kB a second"] = (held[longest] - held[shortest]) / 1e3 / span if span else None
        row["process grew_MB"] = (process.memory_info().rss - before) / 1e6
        rows.append(row)
    notes = [
        "Counted: what one session holds and another of the same system does not, after a chunk at that history. The "
        "process keeps freed memory, so its growth is an upper bound with noise."
    ]
    return Result("memory", "Memory that a session holds against its history", rows, notes)

"""A chunk late in a stream costs what an early one costs.

What torch goes over for a chunk (values that its operations read and write, in the thread that pushes) is counted, so it is
the same on every machine and whatever else runs there. Time is measured beside it, because a decoder may compute elsewhere:
a stream that is 12 s old and one that is 5 s old take turns, chunk by chunk, so that what disturbs the machine meets both,
and the median of the ratios of their pairs counts. Noise may still reach it: a ratio that is too large is measured again,
and only one that is too large every time fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..driving import Subject, bare
from ..finding import FAILS, HOLDS, NOT_APPLICABLE

YOUNG_S, OLD_S, SPAN_S = 5.0, 12.0, 3.0  # ages of the streams, and over how long they are compared
LEAST_CHUNKS = 3  # of each stream in the span
COUNT_GROWTH = 1.05  # of a count, which has no noise: a chunk that was cut otherwise may differ a little
TIME_GROWTH = 1.25  # of a measured time
ATTEMPTS = 4  # at measuring


@dataclass
class Streams:
    """What the chunks of an old stream and of a young one cost, those of the same turn at the same place.

    Attributes:
        young_s, old_s: seconds of work a chunk.
        young_values, old_values: values that torch's operations read and wrote for it.
        first: number of the old stream's first chunk here, counted from its start.
    """

    young_s: list[float] = field(default_factory=list)
    old_s: list[float] = field(default_factory=list)
    young_values: list[int] = field(default_factory=list)
    old_values: list[int] = field(default_factory=list)
    first: int = 0

    @property
    def chunks(self) -> int:
        return min(len(self.young_s), len(self.old_s))


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Chunks of a stream 12 to 15 s old against those of one 5 to 8 s old."""
    return judge(lambda: measured(subject))


def judge(measure: Callable[[], Streams]) -> tuple[str, str, int | None]:
    """The answer from as many measurements as it takes."""
    found = measure()
    if found.chunks < LEAST_CHUNKS:
        return (
            NOT_APPLICABLE,
            f"{found.chunks} chunks in 3 s before finish(); {LEAST_CHUNKS} or more are compared",
            None,
        )
    counted = ""
    if all(found.young_values[: found.chunks]):
        usual = float(np.median(found.young_values))
        over = np.flatnonzero(np.array(found.old_values) > COUNT_GROWTH * usual)
        growth = float(np.median(found.old_values)) / usual
        if growth > COUNT_GROWTH:
            at = found.first + int(over[0])
            said = f"it goes over {growth:.2f} times the values for a chunk 12 s into a stream as for one at 5 s"
            return FAILS, f"{said}; from chunk {at} on", at
        counted = f"{growth:.2f} times the values, "
    ratios = [time_ratio(found)]
    while min(ratios) > TIME_GROWTH and len(ratios) < ATTEMPTS:
        ratios.append(time_ratio(measure()))
    said = f"a chunk 12 s into a stream takes {counted}{min(ratios):.2f} times the time of one at 5 s"
    if min(ratios) <= TIME_GROWTH:
        return HOLDS, said, None
    return FAILS, f"{said}, at least, in {ATTEMPTS} measurements; from chunk {found.first} on", found.first


def time_ratio(found: Streams) -> float:
    """The median over pairs of chunks of old over young."""
    pairs = zip(found.old_s, found.young_s, strict=False)
    return float(np.median([old / max(young, 1e-9) for old, young in pairs]))


def measured(subject: Subject, young_s: float = YOUNG_S, old_s: float = OLD_S, span_s: float = SPAN_S) -> Streams:
    """Bring a stream to either age, then let the two take turns, token by token, for a span more."""
    request = subject.requests[0]
    young_tokens, old_tokens, span = (round(s * subject.tokens_per_second) for s in (young_s, old_s, span_s))
    tokens = np.concatenate([request.tokens] * -(-(old_tokens + span) // len(request.tokens)))
    old, young, found = subject.open(bare(request)), subject.open(bare(request)), Streams()
    found.first = sum(1 for token in tokens[:old_tokens] for _ in old.push(token[None].copy()) or ())
    for token in tokens[:young_tokens]:
        list(young.push(token[None].copy()) or ())
    works = [_Work(young, found.young_s, found.young_values), _Work(old, found.old_s, found.old_values)]
    for turn in range(span):
        for work, start in zip(works, (young_tokens, old_tokens), strict=True):
            work.push(tokens[start + turn][None].copy())
    for work in works:
        work.session.cancel()
    return found


@dataclass
class _Work:
    """A stream whose chunks are weighed; what was pushed since the last one belongs to the next."""

    session: object
    seconds: list[float]
    values: list[int]
    spent: float = 0.0
    gone_over: int = 0

    def push(self, token: np.ndarray) -> None:
        chunks = self._timed(lambda: iter(self.session.push(token) or ()))
        while self._timed(lambda: next(chunks, None)) is not None:
            self.seconds.append(self.spent)
            self.values.append(self.gone_over)
            self.spent, self.gone_over = 0.0, 0

    def _timed(self, work: Callable[[], object]) -> object:
        began = time.perf_counter()
        with _Values() as counted:
            made = work()
        self.spent += time.perf_counter() - began
        self.gone_over += counted.total
        return made


class _Values(TorchDispatchMode):
    """Values that operations of torch read and write in this thread."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.total += sum(_sizes((args, kwargs, made)))
        return made


def _sizes(tree: object) -> Iterator[int]:
    return (leaf.numel() for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))

"""A chunk late in a stream costs what an early one costs: measured, so a matter of the machine as well.

Two streams of the same tokens are decoded one after the other; of each chunk the smaller of its two times counts,
because what disturbs a measurement only ever adds to it.
"""

from __future__ import annotations

import time

import numpy as np

from ..driving import Subject, bare
from ..finding import FAILS, HOLDS, NOT_APPLICABLE

LENGTH_TOKENS = 500  # 20 s
LEAST_CHUNKS = 12
GROWTH = 1.25  # last over second quarter that still counts as constant: a quarter's medians vary by less
REPEATS = 2


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Times of chunks over a stream of 20 s."""
    return judge([chunk_times(subject) for _ in range(REPEATS)])


def judge(times: list[list[float]]) -> tuple[str, str, int | None]:
    """The answer from seconds a chunk, one list a repeat."""
    count = min(map(len, times))
    if count < LEAST_CHUNKS:
        return NOT_APPLICABLE, f"{count} chunks in 20 s; fewer than {LEAST_CHUNKS} tell nothing", None
    least = np.min([one[:count] for one in times], axis=0)
    quarter = count // 4
    early, late = np.median(least[quarter : 2 * quarter]), np.median(least[3 * quarter :])
    ratio = late / max(early, 1e-9)
    said = f"{1000 * early:.1f} ms early, {1000 * late:.1f} ms late: {ratio:.2f} times over 20 s"
    return (HOLDS, said, None) if ratio <= GROWTH else (FAILS, said, None)


def chunk_times(subject: Subject) -> list[float]:
    """Seconds of work of every chunk but the last, which is shorter."""
    request = subject.requests[0]
    copies = -(-LENGTH_TOKENS // len(request.tokens))
    tokens = np.concatenate([request.tokens] * copies)[:LENGTH_TOKENS]
    session, times, spent = subject.open(bare(request)), [], 0.0
    for token in tokens:
        began = time.perf_counter()
        for _ in session.push(token[None].copy()) or ():
            spent += time.perf_counter() - began
            times.append(spent)
            spent, began = 0.0, time.perf_counter()
        spent += time.perf_counter() - began
    session.cancel()
    return times

"""When the chunks of a trace would have come, had the tokens come at another rate."""

from __future__ import annotations

import numpy as np
import pandas

from ..inputs import TOKENS_PER_SECOND


def traced_at(trace: pandas.DataFrame) -> float:
    """Tokens a second at which a trace was taken; benches of before there were several rates do not say, nor does none."""
    rate = float(trace["tokens_per_second"].iloc[0]) if "tokens_per_second" in trace and len(trace) else 0.0
    return rate if rate > 0 else TOKENS_PER_SECOND


def retime(
    arrived_s: np.ndarray,
    compute_s: np.ndarray,
    tokens_in: np.ndarray,
    *,
    tokens_per_second: float,
    traced_at: float = TOKENS_PER_SECOND,
) -> np.ndarray:
    """Arrivals of a session's chunks at another token rate, from the work that its trace holds.

    The virtual clock of :mod:`harness.render` again: one worker takes up a push when its token is there and the work
    before is done. Of the work of a chunk, what was done before the last token that it needed had come (opening the
    session, pushes that complete nothing) is recovered from the arrival, and is done as soon as the worker is free.

    At the rate of the trace this gives the trace's arrivals; at another one it is early or late by at most that part
    of the work, which in the decoders here is below a millisecond a chunk.

    Args:
        arrived_s: float64 ``[n]``, on the virtual clock, at ``traced_at``.
        compute_s: float64 ``[n]``, work since the chunk before.
        tokens_in: int ``[n]``, tokens pushed when the chunk came.
        tokens_per_second: the rate asked for.
        traced_at: the rate of the trace.

    Returns:
        float64 ``[n]``.

    Raises:
        ValueError: rates that are not positive, or lengths that differ.
    """
    if tokens_per_second <= 0 or traced_at <= 0:
        raise ValueError(f"token rates {tokens_per_second} and {traced_at} must be positive")
    arrived_s, compute_s = np.asarray(arrived_s, np.float64), np.asarray(compute_s, np.float64)
    tokens_in = np.asarray(tokens_in)
    if not arrived_s.shape == compute_s.shape == tokens_in.shape:
        raise ValueError(f"shapes {arrived_s.shape}, {compute_s.shape}, {tokens_in.shape} of one trace must agree")
    before = np.concatenate([[0.0], arrived_s[:-1]])
    late = np.clip(arrived_s - np.maximum(tokens_in / traced_at, before), 0.0, compute_s)
    early, there = compute_s - late, tokens_in / tokens_per_second
    free_at, times = 0.0, np.empty(len(arrived_s))
    for i in range(len(times)):
        times[i] = free_at = max(free_at + early[i], there[i]) + late[i]
    return times

"""What a trace says about waiting: first packet, chunk latency and its growth, real-time factor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas

from streamflow.audio import SAMPLE_RATE

from ..render import Rendering

FEWEST_FOR_P95 = (
    20  # of one rendering: below that it is the maximum by another name; pooled ones need more (percentiles.py)
)
FEWEST_FOR_GROWTH = 8  # chunks of the usual size, two in a quarter


def latency_row(rendering: Rendering, algorithmic_latency_s: float | None, *, declared: bool) -> dict[str, Any]:
    """One row of ``latency.parquet``, without the names.

    Args:
        rendering: with its trace.
        algorithmic_latency_s: audio time that must have arrived before the first sample can be made, as the system
            declares it; None for the whole utterance.
        declared: False when the system does not say; the arrival of the last token that its first chunk needed is
            then taken from the trace.

    Returns:
        ``first_packet_s`` from the arrival of the last token that the first packet needs, to its audio; ``rtf`` all
        work over the duration of the tokens; ``chunk_p95_s`` None below 20 chunks.
    """
    first = rendering.trace[0]
    duration_s, rate = rendering.duration_s, rendering.tokens_per_second
    compute_s = np.array([chunk.compute_s for chunk in rendering.trace])
    dit_s = sum(chunk.dit_s for chunk in rendering.trace)
    vocoder_s = sum(chunk.vocoder_s for chunk in rendering.trace)
    return {
        "duration_s": duration_s,
        "tokens": rendering.tokens,
        "first_packet_s": first.arrived_s - first.tokens_in / rate,
        "rtf": rendering.work_s / duration_s,
        "chunk_p50_s": float(np.median(compute_s)),
        "chunk_p95_s": float(np.percentile(compute_s, 95)) if len(compute_s) >= FEWEST_FOR_P95 else None,
        "dit_s": dit_s,
        "vocoder_s": vocoder_s,
        "other_s": max(0.0, rendering.work_s - dit_s - vocoder_s),
        "peak_memory_mb": rendering.peak_memory_mb,
        "algorithmic_latency_s": algorithmic_latency_s if declared else first.tokens_in / rate,
    }


def quarter_ratio(trace: pandas.DataFrame, column: str = "compute_s") -> float | None:
    """Chunk latency in the last quarter of an utterance over that in its first: 1 is flat, above 1 it grows.

    Medians over the chunks of the usual size, without the very first one: the first chunk carries the opening of the
    session and the last one is a remainder.

    Args:
        trace: the rows of one utterance by one system.
        column: what to compare.

    Returns:
        None below 8 such chunks.
    """
    trace = trace.sort_values("index")
    sizes, counts = np.unique(trace["samples"], return_counts=True)
    if not len(sizes):
        return None
    usual = trace[(trace["samples"] == sizes[counts.argmax()]) & (trace["index"] > 0)][column].to_numpy()
    if len(usual) < FEWEST_FOR_GROWTH:
        return None
    quarter = len(usual) // 4
    first, last = np.median(usual[:quarter]), np.median(usual[-quarter:])
    return float(last / first) if first > 0 else None


def chunk_latency_by_position(traces: pandas.DataFrame, *, bin_s: float = 2.0) -> pandas.DataFrame:
    """Chunk latency against position in the utterance: one row a system and bin of ``bin_s`` seconds.

    Returns:
        Columns ``system``, ``position_s`` (the bin's middle), ``compute_s`` (median), ``chunks``.
    """
    seconds = traces["start_sample"] / SAMPLE_RATE
    binned = traces.assign(position_s=(seconds // bin_s + 0.5) * bin_s)
    grouped = binned.groupby(["system", "position_s"], sort=False)["compute_s"]
    return grouped.agg(compute_s="median", chunks="size").reset_index()

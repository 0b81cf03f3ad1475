"""How many times slower one system is than another, measured so that the machine's own drift cancels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import pandas

from streamflow.session import Session, StreamRequest

from ..render import Rendering, render
from ..statistics import mean_interval
from .bench_tables import Bench
from .decomposition import first_packet

METRICS = ("first_packet_s", "rtf", "chunk_p50")
Open = Callable[[StreamRequest], Session]


class Ratio(NamedTuple):
    """Of the second system to the first; above 1 the second is slower.

    Attributes:
        ratio: geometric mean over repeats.
        low, high: 95 % interval of it; None below two repeats.
    """

    ratio: float
    low: float | None
    high: float | None


def ratio_of(logarithms: Sequence[float] | np.ndarray, level: float = 0.95) -> Ratio:
    """The ratio whose logarithm each repeat measured once.

    Times spread by factors, so their logarithms are averaged; the interval is Student's over the repeats.

    Args:
        logarithms: ``[repeats]``.

    Raises:
        ValueError: none.
    """
    return Ratio(*(None if bound is None else math.exp(bound) for bound in mean_interval(logarithms, level=level)[:3]))


def times_of(rendering: Rendering) -> dict[str, float]:
    """What is compared of a rendering: seconds to the first packet, real-time factor, median chunk latency."""
    first = rendering.trace[0]
    parts = first_packet(asdict(first), first.tokens_per_second)
    return {
        "first_packet_s": parts.first_packet_s,
        "rtf": rendering.work_s / (len(rendering.samples) / rendering.sample_rate),
        "chunk_p50": float(np.median([chunk.compute_s for chunk in rendering.trace])),
    }


def interleaved_ratio(
    open_a: Open,
    open_b: Open,
    requests: Sequence[StreamRequest],
    repeats: int = 4,
    *,
    measure: Callable[[str, Open, StreamRequest], Mapping[str, float]] | None = None,
) -> dict[str, Ratio]:
    """Measure two systems in turn, A-B-B-A for every request, and give the ratios of B to A.

    Within a block of four, anything that changes steadily (heat, other work on the machine) adds the same to both
    systems' two turns. Each system decodes the first request once before, unrecorded.

    Args:
        open_a: the system that is compared with, such as the baseline.
        open_b: the system that is compared, such as the candidate.
        requests: utterances; a repeat is one pass over them all.
        repeats: passes; two at least for an interval.
        measure: how a session is timed, for other clocks; None for :func:`harness.render.render`.

    Returns:
        By metric: ``first_packet_s``, ``rtf``, ``chunk_p50``.

    Raises:
        ValueError: no requests or no repeats.
        Exception: whatever a session raises.
    """
    if not requests or repeats < 1:
        raise ValueError("give at least one request and one repeat")
    measure = measure or (lambda name, system, request: times_of(render(name, system, request)))
    for name, system in (("A", open_a), ("B", open_b)):
        measure(name, system, requests[0])
    passes: dict[str, list[float]] = {}
    for _ in range(repeats):
        blocks = [_block(measure, open_a, open_b, request) for request in requests]
        for metric in blocks[0]:
            passes.setdefault(metric, []).append(float(np.mean([block[metric] for block in blocks])))
    return {metric: ratio_of(values) for metric, values in passes.items()}


def _block(measure: Callable, open_a: Open, open_b: Open, request: StreamRequest) -> dict[str, float]:
    """Logarithm of B over A for every metric, from one A-B-B-A."""
    first, second, third, fourth = (
        measure(name, system, request) for name, system in zip("ABBA", (open_a, open_b, open_b, open_a), strict=True)
    )
    return {
        metric: (_log(second[metric]) + _log(third[metric]) - _log(first[metric]) - _log(fourth[metric])) / 2
        for metric in first
    }


def _log(seconds: float) -> float:
    return math.log(max(seconds, 1e-9))  # a session that does nothing may take less than the clock can tell


def bench_ratios(bench: Bench, baseline: str | None = None) -> pandas.DataFrame:
    """The ratios of every system of a bench to one of them, from sessions of the same length and repeat.

    Args:
        bench: with its systems measured in turn.
        baseline: what is compared with; None for the first system.

    Returns:
        Columns ``system``, ``baseline``, ``metric``, ``ratio``, ``low``, ``high``, ``repeats``; systems without a
        common session are left out.
    """
    columns = {"first_packet_s": "first_packet_s", "rtf": "rtf", "chunk_p50": "chunk_p50_s"}
    baseline = baseline or next(iter(bench.systems), None)
    logs = bench.single.set_index(["system", "length_s", "repeat"])[list(columns.values())]
    logs = np.log(logs.clip(lower=1e-9))
    rows = []
    for system in [name for name in bench.systems if name != baseline]:
        if not {system, baseline} <= set(logs.index.get_level_values("system")):
            continue
        passes = (logs.loc[system] - logs.loc[baseline]).dropna().groupby("repeat").mean()
        for metric, column in columns.items() if len(passes) else ():
            ratio = ratio_of(passes[column])
            names = {"system": system, "baseline": baseline, "metric": metric}
            rows.append(names | ratio._asdict() | {"repeats": len(passes)})
    table = pandas.DataFrame(rows, columns=["system", "baseline", "metric", "ratio", "low", "high", "repeats"])
    return table.astype(dict.fromkeys(("ratio", "low", "high"), np.float64))

"""Measured traces with another token rate, network and player: what a listener would have heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas

from .bench_tables import Bench, LatencyError
from .delivery import Delivered, deliver, outcome
from .playout import network_delays
from .retiming import retime, traced_at
from .timeline import Timeline, timeline

MOST_STREAMS = 100  # of a system; of more, evenly thinned: a slider has to follow the hand
TIMES = (1.0, 4 / 3, 2.0, 3.0, 4.0, 6.0, 8.0)  # the rate of speech: tokens a second of a curve
LIMITS = {"tokens_per_second": (1.0, 1000.0), "buffer_ms": (0.0, 10_000.0), "jitter_ms": (0.0, 2_000.0)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Player:
    """What the traces are played with.

    Attributes:
        tokens_per_second: at which tokens come; 25 is the rate of the shipped weights' speech.
        buffer_ms: held back before the first sound.
        jitter_ms: mean delay of a chunk in the network.

    Raises:
        LatencyError: a value out of its limits, and which.
    """

    tokens_per_second: float = 25.0
    buffer_ms: float = 0.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise LatencyError(f"{name} {value:g}: give a number from {low:g} to {high:g}")


def streams_of_run(traces: pandas.DataFrame) -> pandas.DataFrame:
    """The traces of a run, with ``stream``: the utterance, and the seed where there are several.

    Args:
        traces: ``traces.parquet``.
    """
    names = traces["utterance"].astype(str)
    if traces["seed"].nunique() > 1:
        names = names + ", seed " + traces["seed"].astype(str)
    return traces.assign(stream=names)


def streams_of_bench(bench: Bench, length_s: float) -> pandas.DataFrame:
    """The chunks of streams of a length that ran alone, with ``stream``: their repeat."""
    rows = bench.chunks[(bench.chunks["clock"] == "virtual") & (bench.chunks["length_s"] == length_s)]
    return rows.assign(stream="repeat " + (rows["repeat"] + 1).astype(str))


def lengths_of_bench(bench: Bench) -> list[float]:
    """Seconds of the streams that ran alone, in order."""
    return sorted(float(s) for s in bench.chunks.loc[bench.chunks["clock"] == "virtual", "length_s"].unique())


def play(traces: pandas.DataFrame, player: Player) -> dict[str, list[Delivered]]:
    """Every stream of every system at the player, of at most :data:`MOST_STREAMS` a system.

    Args:
        traces: from :func:`streams_of_run` or :func:`streams_of_bench`.
        player: rate and network; the buffer is not looked at yet.
    """
    played: dict[str, list[Delivered]] = {}
    for system, rows in traces.groupby("system", sort=False):
        streams = [
            deliver(retimed(trace, player), trace["samples"].to_numpy(), player.jitter_ms / 1000, seed=seed)
            for seed, trace in enumerate(_thinned(rows))
        ]
        played[str(system)] = streams
    return played


def outcomes(played: dict[str, list[Delivered]], player: Player) -> pandas.DataFrame:
    """One row a system: :func:`harness.latency.delivery.outcome`, and ``streams``."""
    rows = [
        {"system": system, "streams": len(streams)} | outcome(streams, player.buffer_ms / 1000)
        for system, streams in played.items()
    ]
    return pandas.DataFrame(rows)


def first_sound_by_rate(traces: pandas.DataFrame, rates: tuple[float, ...] = ()) -> pandas.DataFrame:
    """Time to the first sound at several token rates, without buffer or jitter: the median over streams.

    Args:
        traces: from :func:`streams_of_run` or :func:`streams_of_bench`.
        rates: tokens a second; none for :data:`TIMES` that of their speech, to whole tokens.

    Returns:
        Columns ``system``, ``tokens_per_second``, ``first_sound_s``.
    """
    rows, rates = [], rates or tuple(float(round(times * traced_at(traces))) for times in TIMES)
    for system, part in traces.groupby("system", sort=False):
        streams = list(_thinned(part))
        for rate in rates:
            first = np.median([retimed(trace, Player(tokens_per_second=rate))[0] for trace in streams])
            rows.append({"system": system, "tokens_per_second": rate, "first_sound_s": float(first)})
    return pandas.DataFrame(rows, columns=["system", "tokens_per_second", "first_sound_s"])


def one_stream(traces: pandas.DataFrame, system: str, stream: str, player: Player) -> Timeline:
    """One stream at the player, in the first draw of the network.

    Raises:
        LatencyError: there is no such stream.
    """
    for seed, trace in enumerate(_thinned(traces[traces["system"] == system])):
        if trace["stream"].iloc[0] == stream:  # its place gives it the network that it has among the others
            delays = network_delays(len(trace), player.jitter_ms / 1000, seed=seed)[0]
            return timeline(retimed(trace, player), trace["samples"].to_numpy(), player.buffer_ms / 1000, delays)
    raise LatencyError(f"{system} has no stream {stream!r}; choose another one")


def stream_names(traces: pandas.DataFrame, system: str) -> list[str]:
    """The streams of a system that :func:`play` plays, the longest first."""
    lengths = {
        trace["stream"].iloc[0]: int(trace["samples"].sum()) for trace in _thinned(traces[traces["system"] == system])
    }
    return sorted(lengths, key=lengths.get, reverse=True)


def retimed(trace: pandas.DataFrame, player: Player) -> np.ndarray:
    """Arrivals of one stream's chunks at the player's token rate, float64 ``[n]``."""
    columns = (trace[name].to_numpy() for name in ("arrived_s", "compute_s", "tokens_in"))
    return retime(*columns, tokens_per_second=player.tokens_per_second, traced_at=traced_at(trace))


def _thinned(rows: pandas.DataFrame) -> Iterator[pandas.DataFrame]:
    """The streams of one system in their order, each sorted; evenly thinned to :data:`MOST_STREAMS`."""
    names = rows["stream"].drop_duplicates().to_numpy()
    if len(names) > MOST_STREAMS:
        names = names[np.linspace(0, len(names) - 1, MOST_STREAMS).round().astype(int)]
    by_name = dict(iter(rows.sort_values("index").groupby("stream", sort=False)))
    yield from (by_name[name] for name in names)

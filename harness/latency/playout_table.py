"""Every stream of a bench, played at every token rate through every network into every buffer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas

from streamflow.audio import SAMPLE_RATE

from .percentiles import percentile
from .plan import Settings
from .playout import AUDIBLE_PAUSE_S, delivered, lateness, network_delays, pauses
from .retiming import retime

DRAWS = 200  # of a network with jitter: enough for the 95th percentile of the buffer


def playout_rows(chunks: pandas.DataFrame, settings: Settings) -> Iterator[dict[str, Any]]:
    """Rows of the table ``playout``.

    A stream that ran alone is retimed to each token rate; streams that ran together are played as they came.

    Args:
        chunks: table of chunks.
        settings: rates, buffers and jitters.
    """
    names = ["system", "length_s", "streams", "clock"]
    for (system, length_s, streams, clock), part in chunks.groupby(names, sort=False):
        who = {"system": system, "length_s": length_s, "streams": streams}
        traces = [rows.sort_values("index") for _, rows in part.groupby(["repeat", "stream"], sort=False)]
        if clock == "virtual":
            for rate in settings.token_rates:
                arrivals = [_retimed(trace, rate) for trace in traces]
                yield from _players(who | {"tokens_per_second": rate}, traces, arrivals, settings)
        elif streams > 1:  # one stream alone is in the table from the virtual clock
            arrivals = [trace["arrived_s"].to_numpy() for trace in traces]
            yield from _players(who | {"tokens_per_second": settings.tokens_per_second}, traces, arrivals, settings)


def _retimed(trace: pandas.DataFrame, rate: float) -> np.ndarray:
    columns = (trace[name].to_numpy() for name in ("arrived_s", "compute_s", "tokens_in"))
    return retime(*columns, tokens_per_second=rate)


def _players(
    who: dict[str, Any], traces: list[pandas.DataFrame], arrivals: list[np.ndarray], settings: Settings
) -> Iterator[dict[str, Any]]:
    for jitter_ms in settings.jitters_ms:
        draws = DRAWS if jitter_ms else 1
        streams = []
        for seed, (trace, arrived_s) in enumerate(zip(traces, arrivals, strict=True)):
            samples = trace["samples"].to_numpy()
            times = delivered(arrived_s, network_delays(len(samples), jitter_ms / 1000, draws=draws, seed=seed))
            streams.append((times[:, 0], lateness(times, samples), samples.sum() / SAMPLE_RATE))
        for buffer_ms in settings.buffers_ms:
            row = _played(streams, buffer_ms / 1000)
            player = {"buffer_ms": buffer_ms, "jitter_ms": jitter_ms, "repeats": len(traces), "draws": draws}
            yield who | player | row


def _played(streams: list[tuple[np.ndarray, np.ndarray, float]], buffer_s: float) -> dict[str, float]:
    """What one player makes of streams given as first delivery ``[draws]``, lateness ``[draws, n]`` and seconds."""
    waits = [pauses(late, buffer_s) for _, late, _ in streams]
    silence = [wait.sum(axis=1) for wait in waits]
    shares = [audio / (audio + lost) for (_, _, audio), lost in zip(streams, silence, strict=True)]
    needs = [late.max(axis=1) for _, late, _ in streams]
    return {
        "underrun_s": float(np.mean(silence)),
        "underruns": float(np.mean([(wait > 0).sum(axis=1) for wait in waits])),
        "longest_ms": float(np.mean([wait.max(axis=1) for wait in waits])) * 1000,
        "continuity": float(np.mean(shares)),
        "continuous": float(np.mean([wait.max(axis=1) <= AUDIBLE_PAUSE_S for wait in waits])),
        "buffer_for_none_ms": max(_enough(need) for need in needs) * 1000,
        "first_sound_s": float(np.mean([first for first, _, _ in streams])) + buffer_s,
    }


def _enough(need: np.ndarray) -> float:
    """Of a network with jitter, what suffices in 95 % of the draws."""
    most = percentile(need, 95)
    return float(need.max()) if most is None else most

"""Every stream of a bench, played at every token rate through every network into every buffer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas

from .delivery import DRAWS, deliver, outcome
from .plan import Settings
from .retiming import retime, traced_at


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
    return retime(*columns, tokens_per_second=rate, traced_at=traced_at(trace))


def _players(
    who: dict[str, Any], traces: list[pandas.DataFrame], arrivals: list[np.ndarray], settings: Settings
) -> Iterator[dict[str, Any]]:
    for jitter_ms in settings.jitters_ms:
        streams = [
            deliver(arrived_s, trace["samples"].to_numpy(), jitter_ms / 1000, seed=seed)
            for seed, (trace, arrived_s) in enumerate(zip(traces, arrivals, strict=True))
        ]
        for buffer_ms in settings.buffers_ms:
            player = {"buffer_ms": buffer_ms, "jitter_ms": jitter_ms, "repeats": len(traces)}
            yield who | player | {"draws": DRAWS if jitter_ms else 1} | outcome(streams, buffer_ms / 1000)

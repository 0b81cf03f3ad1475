"""The three measurements of a bench, each giving the rows of its cell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from streamflow.session import StreamRequest

from ..render import ChunkTrace, render
from .bench_tables import LatencyError
from .decomposition import first_packet
from .interrupts import interrupt
from .paced import run_together
from .plan import Cell
from .ratio import Open

TRIES = 8  # at falling into the middle of a session with a cancellation
Tables = dict[str, list[dict[str, Any]]]


def measure_alone(cell: Cell, open_session: Open, request: StreamRequest) -> Tables:
    """One stream on the virtual clock: rows of ``sessions`` and ``chunks``."""
    load = os.getloadavg()[0]
    rendering = render(cell.system, open_session, request)
    who = _who(cell, 0, "virtual")
    session = _session(rendering.trace, rendering.work_s, rendering.duration_s, request.tokens_per_second)
    about = {"load_average": load, "peak_memory_mb": rendering.peak_memory_mb}
    return {"sessions": [who | session | about], "chunks": _chunks(who, rendering.trace)}


def measure_together(
    cell: Cell, open_session: Open, requests: Sequence[StreamRequest], tokens_per_second: float
) -> Tables:
    """Streams beside each other on the wall clock: rows of ``sessions`` and ``chunks``."""
    load = os.getloadavg()[0]
    done = run_together(open_session, requests, tokens_per_second=tokens_per_second)
    about = {"load_average": load, "peak_memory_mb": done.peak_memory_mb}
    tables: Tables = {"sessions": [], "chunks": []}
    for number, stream in enumerate(done.streams):
        who = _who(cell, number, "wall")
        session = _session(stream.trace, stream.work_s, stream.duration_s, tokens_per_second)
        tables["sessions"].append(who | session | about)
        tables["chunks"] += _chunks(who, stream.trace)
    return tables


def measure_interrupt(cell: Cell, open_session: Open, request: StreamRequest, work_s: float | None) -> Tables:
    """A cancelled session: a row of ``interrupts``; moments cover the session evenly, however many there will be.

    Args:
        cell: whose repeat decides the moment.
        open_session: the system.
        request: the utterance.
        work_s: what a whole session takes; None where that is not known.

    Raises:
        LatencyError: it is not known, or the session is over before anybody could interrupt it.
    """
    if not work_s:
        raise LatencyError("no stream alone was measured, so the middle of its work is not known")
    after_s = work_s * van_der_corput(cell.repeat + 1)
    for _ in range(TRIES):
        if done := interrupt(open_session, request, after_s):
            return {"interrupts": [{"system": cell.system, "repeat": cell.repeat} | done._asdict()]}
        after_s *= 0.7  # this time the session was faster than before
    raise LatencyError("the session ends before it can be interrupted; give greater --lengths")


def van_der_corput(number: int) -> float:
    """The point ``number`` = 1, 2, ... of a sequence whose every beginning covers (0, 1) evenly: 1/2, 1/4, 3/4, 1/8 ..."""
    point, digit = 0.0, 0.5
    while number:
        number, bit = divmod(number, 2)
        point, digit = point + bit * digit, digit / 2
    return point


def _who(cell: Cell, stream: int, clock: str) -> dict[str, Any]:
    return {
        "system": cell.system,
        "length_s": cell.length_s,
        "repeat": cell.repeat,
        "streams": cell.streams,
        "stream": stream,
        "clock": clock,
    }


def _session(trace: list[ChunkTrace], work_s: float, duration_s: float, rate: float) -> dict[str, Any]:
    """What a session's row says of its trace."""
    first = trace[0]
    parts = first_packet(
        {name: getattr(first, name) for name in ("tokens_in", "arrived_s", "dit_s", "vocoder_s")}, rate
    )
    return {
        "first_packet_s": parts.first_packet_s,
        "waited_s": parts.waited_s,
        "dit_first_s": parts.dit_s,
        "vocoder_first_s": parts.vocoder_s,
        "other_first_s": parts.other_s,
        "rtf": work_s / duration_s,
        "work_s": work_s,
        "chunk_p50_s": float(np.median([chunk.compute_s for chunk in trace])),
    }


def _chunks(who: dict[str, Any], trace: list[ChunkTrace]) -> list[dict[str, Any]]:
    return [who | {name: value for name, value in asdict(chunk).items() if name != "seam_sample"} for chunk in trace]

"""A stream as its user heard it: the wait for the first audio, and a silence wherever playout overtook what had arrived.

Playout starts the moment the first chunk is there and never waits on purpose. Chunk k of n_k samples that arrived at a_k
starts at

    t_0 = a_0,    t_k = max(a_k, t_{k-1} + n_{k-1} / rate)

and what lies between the end of one chunk and the start of the next is silence. Time 0 is when the stream of tokens began, as
in a run's traces, so that a system which waits for the whole utterance is heard to do so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas

from ..errors import StudyError


@dataclass(frozen=True, slots=True)
class Arrived:
    """One chunk of a trace: ``samples`` from ``start_sample`` on, there at ``arrived_s``."""

    start_sample: int
    samples: int
    arrived_s: float


@dataclass(frozen=True)
class Replay:
    """What the user heard.

    Attributes:
        samples: float64 ``[n]``.
        starts: for each chunk, the sample of ``samples`` at which it begins.
        first_audio_s: seconds of silence before the first sound.
        stalls: (second at which the sound stopped, seconds of silence) for each underrun.
        stall_s: their sum.
        duration_s: of everything.
    """

    samples: np.ndarray
    starts: tuple[int, ...]
    first_audio_s: float
    stalls: tuple[tuple[float, float], ...]
    stall_s: float
    duration_s: float

    def facts(self) -> dict[str, Any]:
        """Everything but the sound, as JSON: ``first_audio_s``, ``stalls``, ``stall_s``, ``duration_s``."""
        table = {name: value for name, value in asdict(self).items() if name not in ("samples", "starts")}
        return {**table, "stalls": [list(stall) for stall in self.stalls]}


def trace_of(traces: pandas.DataFrame, system: str, utterance: str) -> list[Arrived]:
    """The chunks of one rendering, in order.

    Args:
        traces: ``Run.traces()``.

    Raises:
        StudyError: the run has no trace of it.
    """
    rows = traces[(traces["system"] == system) & (traces["utterance"] == utterance)].sort_values("index")
    if rows.empty:
        raise StudyError(f"{system} has no trace of {utterance}, which a replay needs; use systems that were streamed")
    columns = rows[["start_sample", "samples", "arrived_s"]].itertuples(index=False, name=None)
    return [Arrived(int(start), int(count), float(at)) for start, count, at in columns]


def replay(samples: np.ndarray, rate: int, trace: Sequence[Arrived]) -> Replay:
    """Render a stream on its arrival schedule.

    Args:
        samples: float ``[n]``, what the system yielded altogether.
        rate: samples a second.
        trace: its chunks, contiguous and in the order of arrival.

    Raises:
        StudyError: a trace that is not of these samples.
    """
    _check(trace, len(samples))
    starts, stalls, free = [], [], 0
    for chunk in trace:
        # a sample cannot sound before it is there; the microsample absorbs 0.3 * rate = 4800.000000001
        arrived = int(np.ceil(chunk.arrived_s * rate - 1e-6))
        start = max(arrived, free)
        if starts and start > free:
            stalls.append((free / rate, (start - free) / rate))
        starts.append(start)
        free = start + chunk.samples
    heard = np.zeros(free)
    for chunk, start in zip(trace, starts, strict=True):
        heard[start : start + chunk.samples] = samples[chunk.start_sample : chunk.start_sample + chunk.samples]
    return Replay(
        samples=heard,
        starts=tuple(starts),
        first_audio_s=starts[0] / rate,
        stalls=tuple(stalls),
        stall_s=sum(length for _, length in stalls),
        duration_s=free / rate,
    )


def moved(places: Sequence[int], trace: Sequence[Arrived], starts: Sequence[int]) -> tuple[int, ...]:
    """Samples of the rendering, such as seams, as samples of its replay."""
    begins = np.array([chunk.start_sample for chunk in trace])
    chunks = np.searchsorted(begins, np.asarray(places, int), side="right") - 1
    return tuple(int(starts[chunk] + place - begins[chunk]) for place, chunk in zip(places, chunks, strict=True))


def _check(trace: Sequence[Arrived], length: int) -> None:
    end, before = 0, 0.0
    for index, chunk in enumerate(trace):
        if chunk.start_sample != end or chunk.samples <= 0:
            raise StudyError(f"chunk {index} of the trace begins at {chunk.start_sample}, not {end}; run it again")
        if not np.isfinite(chunk.arrived_s) or chunk.arrived_s < before:
            raise StudyError(
                f"chunk {index} of the trace arrived at {chunk.arrived_s} s, before {before}; run it again"
            )
        end, before = end + chunk.samples, chunk.arrived_s
    if end != length:
        raise StudyError(f"the trace tells of {end} samples but the audio has {length}; run it again")

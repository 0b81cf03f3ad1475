"""What the latency page shows, in the address: a link shows the same to anybody."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import gradio

from harness.latency import Player
from harness.latency.what_if import stream_names
from streamflow.errors import StreamflowError

from ..address import read_all

if TYPE_CHECKING:
    from reports.latency_page import Waiting

RATES, BUFFERS_MS, JITTERS_MS = (25, 200), (0, 1000), (0, 300)  # of the sliders
KEPT = 4  # sets of runs that stay in memory
STAMPED = ("run.toml", "traces.parquet", "scores.parquet", "latency.parquet", "bench/bench.json")

# Of the values of the controls, in the order of State's fields; those that are empty stay out of the address.
WRITE = """
(runs, systems, source, rate, buffer, jitter, system, stream, metric) => {
  const query = new URLSearchParams();
  const values = { run: runs, system: systems, source, rate, buffer, jitter, of: system, stream, metric };
  for (const [name, value] of Object.entries(values))
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") query.append(name, one);
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
}
"""


@dataclass(frozen=True, kw_only=True)
class State:
    """The values of the page's controls, in their order."""

    runs: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    source: str = ""
    rate: float | None = None  # that of the streams' speech
    buffer: float = 0
    jitter: float = 0
    system: str = ""
    stream: str = ""
    metric: str = ""

    @property
    def player(self) -> Player:
        """What the sliders say."""
        return Player(tokens_per_second=self.rate, buffer_ms=self.buffer, jitter_ms=self.jitter)


def state_of(request: gradio.Request) -> State:
    """What the address says; what is no number is left out, and numbers are brought into the sliders' range."""
    query = request.query_params
    return State(
        runs=tuple(read_all(request, "run")),
        systems=tuple(read_all(request, "system")),
        source=query.get("source", ""),
        rate=_number(query.get("rate"), None, RATES),
        buffer=_number(query.get("buffer"), 0, BUFFERS_MS),
        jitter=_number(query.get("jitter"), 0, JITTERS_MS),
        system=query.get("of", ""),
        stream=query.get("stream", ""),
        metric=query.get("metric", ""),
    )


def _number(text: str | None, usual: float | None, limits: tuple[float, float]) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return usual
    return within(value, limits) if math.isfinite(value) else usual


def within(value: float, limits: tuple[float, float]) -> float:
    """The value, or the limit that it is beyond."""
    return min(max(value, limits[0]), limits[1])


def fitted(state: State, waiting: Waiting) -> State:
    """The state with what these runs do not have replaced by what they have."""
    systems = tuple(system for system in waiting.systems if system in state.systems) or tuple(waiting.systems)
    source = first_of(state.source, waiting.sources)
    traces = waiting.streams(source)
    chunked = [s for s in systems if (traces.loc[traces["system"] == s, "index"] > 0).any()]
    system = first_of(state.system, chunked or systems)
    rate = within(waiting.speech_rate(source), RATES) if state.rate is None else state.rate
    return State(
        runs=state.runs, systems=systems, source=source, rate=rate, buffer=state.buffer, jitter=state.jitter,
        system=system, stream=first_of(state.stream, stream_names(traces, system)),
        metric=first_of(state.metric, waiting.metrics),
    )  # fmt: skip


def first_of(wanted: str, known: Sequence[str]) -> str:
    """What is wanted, if it is known; else the first that is, or ""."""
    return wanted if wanted in known else next(iter(known), "")


class Opened:
    """Runs that were read, kept until their files change; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: OrderedDict[tuple, Waiting] = OrderedDict()
        self._lock = Lock()

    def read(self, names: Sequence[str], known: Sequence[str]) -> Waiting:
        """The runs of these names.

        Raises:
            StreamflowError: one is none of the known, or cannot be read.
        """
        from reports.latency_page import Waiting

        for name in names:
            if name not in known:
                raise StreamflowError(f"{name!r} is not a run of {self.folder}; choose one of the list")
        paths = [self.folder / name for name in names]
        key = tuple((path, *(_stamp(path / file) for file in STAMPED)) for path in paths)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = Waiting(paths)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0

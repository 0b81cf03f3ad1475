"""The tables of a bench on disk, and their reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from streamflow.errors import StreamflowError

from ..storage import read_json, write_bytes

FOLDER = "bench"  # in the run
CELL = {"system": str, "length_s": float, "repeat": int, "streams": int, "stream": int, "clock": str}
COLUMNS = {
    "chunks": CELL | {
        "index": int, "start_sample": int, "samples": int, "tokens_in": int, "arrived_s": float, "compute_s": float,
        "dit_s": float, "vocoder_s": float, "other_s": float, "tokens_per_second": float,
    },
    "sessions": CELL | {
        "order": int, "first_packet_s": float, "waited_s": float, "dit_first_s": float, "vocoder_first_s": float,
        "other_first_s": float, "rtf": float, "work_s": float, "chunk_p50_s": float, "peak_memory_mb": float,
        "load_average": float,
    },
    "interrupts": {"system": str, "repeat": int, "during_s": float, "interrupt_s": float, "order": int},
    "playout": {
        "system": str, "length_s": float, "streams": int, "tokens_per_second": float, "buffer_ms": float,
        "jitter_ms": float, "underrun_s": float, "underruns": float, "longest_ms": float, "continuity": float,
        "continuous": float, "buffer_for_none_ms": float, "first_sound_s": float, "repeats": int, "draws": int,
    },
}  # fmt: skip
"""Columns of every table. One row a chunk; a session; a cancelled session; a system, length and player.

``clock`` is "virtual" (one stream, no time slept, see :mod:`harness.render`) or "wall" (streams beside each other, whose
tokens really came at their rate). ``streams`` ran together, of which this is ``stream``. ``order`` counts what was
measured, from 0. ``load_average`` is the machine's over the minute before. ``peak_memory_mb`` is of the process, the
weights of every loaded system included. In ``playout``, values are means over repeats and over draws of the network;
``continuous`` is the share of them without a pause above 100 ms, ``buffer_for_none_ms`` is of the worst repeat, and in
95 % of the draws.
"""


class LatencyError(StreamflowError):
    """A bench that cannot be made or read."""


@dataclass(frozen=True)
class Bench:
    """What a bench measured.

    Attributes:
        chunks, sessions, interrupts, playout: see :data:`COLUMNS`.
        settings: ``bench.json``: machine, threads, settings, identity, systems, failures.
    """

    chunks: pandas.DataFrame
    sessions: pandas.DataFrame
    interrupts: pandas.DataFrame
    playout: pandas.DataFrame
    settings: dict[str, Any]

    @property
    def systems(self) -> list[str]:
        """Names, in the order of the run."""
        return list(self.settings.get("systems", {}))

    @property
    def single(self) -> pandas.DataFrame:
        """The sessions that ran alone on the virtual clock."""
        return self.sessions[self.sessions["clock"] == "virtual"]


def table_of(name: str, rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """Rows as a table with the columns and types of ``name``; None becomes NaN."""
    frame = pandas.DataFrame(rows, columns=list(COLUMNS[name]))
    for column, kind in COLUMNS[name].items():
        numbers = frame[column] if kind is str else pandas.to_numeric(frame[column])
        frame[column] = numbers.astype({str: str, int: np.int64, float: np.float64}[kind])
    return frame


def write_table(run: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write one table of a bench, atomically."""
    write_bytes(run / FOLDER / f"{name}.parquet", table_of(name, rows).to_parquet(index=False))


def read_bench(folder: str | Path) -> Bench | None:
    """The bench of a run, None where there is none.

    Args:
        folder: of the run.

    Raises:
        LatencyError: there is one, and it cannot be read.
    """
    path = Path(folder) / FOLDER
    settings = read_json(path / "bench.json")
    if not isinstance(settings, dict):
        return None
    try:
        tables = {name: pandas.read_parquet(path / f"{name}.parquet") for name in COLUMNS}
    except (OSError, ValueError) as error:
        raise LatencyError(f"{path}: not readable ({error}); give the `streamflow latency` command again") from None
    return Bench(**tables, settings=settings)

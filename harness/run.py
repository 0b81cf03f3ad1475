"""A run on disk: its layout, its records, and the reader that reports are made from."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
from pyarrow import parquet

from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError

from .inputs import TOKENS_PER_SECOND
from .storage import (
    PARTIAL,
    encode_flac,
    read_flac,
    read_json,
    sha256_of,
    sha256_of_file,
    stamp,
    write_bytes,
    write_json,
)
from .systems import REFERENCE

COLUMNS = {
    "traces": {
        "system": str, "utterance": str, "seed": int, "index": int, "start_sample": int,
        "seam_sample": int, "samples": int,
        "tokens_in": int, "arrived_s": float, "compute_s": float, "dit_s": float, "vocoder_s": float, "other_s": float,
        "tokens_per_second": float,
    },
    "scores": {
        "system": str, "utterance": str, "speaker": str, "seed": int, "metric": str, "identity": str, "value": float,
        "unit": str, "unscored_because": str,
    },
    "seams": {
        "system": str, "utterance": str, "seed": int, "measure": str, "unit": str, "sample": int, "role": str, "value": float,
    },
    "profiles": {
        "system": str, "utterance": str, "seed": int, "kind": str, "offset_s": float, "value": float, "n": int,
    },
    "jumps": {
        "system": str, "utterance": str, "seed": int, "sample": int, "cents": float, "between_cents": float,
        "reference_cents": float,
    },
    "latency": {
        "system": str, "utterance": str, "seed": int, "duration_s": float, "tokens": int, "first_packet_s": float, "rtf": float,
        "chunk_p50_s": float, "chunk_p95_s": float, "dit_s": float, "vocoder_s": float, "other_s": float,
        "peak_memory_mb": float, "algorithmic_latency_s": float,
    },
    "failures": {"system": str, "utterance": str, "stage": str, "error": str},
}  # fmt: skip


ROWS_AT_ONCE = 20_000


class RunError(StreamflowError):
    """A folder that is not a run, or not one that can be read."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything lies, and what is believed of it.

    A rendering exists when its record does, and the record is written last, with the hash of the audio: whatever a
    kill leaves before that is made again. Scores are kept by content, so that a new metric needs no decoding.
    """

    path: Path

    def inputs(self, utterance: str) -> Path:
        """Tokens and speaker embedding, ``.npz``."""
        return self.path / ".inputs" / f"{utterance}.npz"

    def audio(self, system: str, utterance: str, seed: int | None = None) -> Path:
        """The rendering; ``seed`` for other seeds than the run's first."""
        return self.path / "audio" / system / f"{_with_seed(utterance, seed)}.flac"

    def reference(self, utterance: str) -> Path:
        """The recording as loaded."""
        return self.audio(REFERENCE, utterance)

    @property
    def listening(self) -> Path:
        """Results of listening tests, ``STUDY.json`` each; written when a study of the run is analysed."""
        return self.path / "listening"

    def rendering_record(self, system: str, utterance: str, seed: int | None = None) -> Path:
        """Key, audio hash, trace and latency."""
        return self.path / ".renderings" / system / f"{_with_seed(utterance, seed)}.json"

    @property
    def finished(self) -> Path:
        """What tells that nothing is left to do, see :mod:`harness.finished`."""
        return self.path / ".finished.json"

    @property
    def report_note(self) -> Path:
        """What the report was written from, see :func:`harness.finished.report_key`."""
        return self.path / "report" / ".made-from.json"

    @property
    def scores(self) -> Path:
        """Scores and seams by content, see :mod:`harness.score_store`."""
        return self.path / ".scores.sqlite"

    def rendering(self, system: str, utterance: str, key: str, seed: int | None = None) -> dict[str, Any] | None:
        """The record of a rendering, if there is one with this key and its audio is whole.

        The audio is hashed only where its size or time of change is not the one that the record holds.
        """
        record = read_json(self.rendering_record(system, utterance, seed))
        if not isinstance(record, dict) or record.get("key") != key:
            return None
        path = self.audio(system, utterance, seed)
        if stamp(path) == record.get("audio_stamp"):
            return record
        return record if sha256_of_file(path) == record.get("audio_sha256") else None

    def write_rendering(
        self,
        system: str,
        utterance: str,
        samples: np.ndarray,
        record: dict[str, Any],
        seed: int | None = None,
        sample_rate: int = SAMPLE_RATE,
    ) -> dict[str, Any]:
        """Write audio at its own rate, then the record that vouches for it; returns the record."""
        self.forget_rendering(system, utterance, seed)
        flac, path = encode_flac(samples, sample_rate), self.audio(system, utterance, seed)
        write_bytes(path, flac)
        record = {**record, "audio_sha256": sha256_of(flac), "audio_stamp": stamp(path)}
        write_json(self.rendering_record(system, utterance, seed), record)
        return record

    def forget_rendering(self, system: str, utterance: str, seed: int | None = None) -> None:
        """Remove a rendering that no longer is one; the record first."""
        for path in (self.rendering_record(system, utterance, seed), self.audio(system, utterance, seed)):
            path.unlink(missing_ok=True)

    def count_renderings(self) -> int:
        """How many renderings are kept."""
        return sum(path.parent.name != REFERENCE for path in (self.path / ".renderings").glob("*/*.json"))

    def write_tables(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        """Write tables from rows, the others empty."""
        with TableWriter(self.path) as writer:
            for name, rows in tables.items():
                writer.add(name, rows)


def _with_seed(utterance: str, seed: int | None) -> str:
    return utterance if seed is None else f"{utterance}.seed-{seed}"


class TableWriter:
    """Writes every table of a run, row group by row group: a run of any size passes through.

    On leaving, the tables take the place of those that were there, each atomically and with its columns and types even
    where it has no rows; after an exception the old ones stay.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
        self._files: dict[str, parquet.ParquetWriter] = {}

    def __enter__(self) -> TableWriter:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def add(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Add rows to a table."""
        self._waiting[name].extend(rows)
        if len(self._waiting[name]) >= ROWS_AT_ONCE:
            self._write(name)

    def _write(self, name: str) -> None:
        rows, self._waiting[name] = self._waiting[name], []
        table = pyarrow.Table.from_pandas(table_of(name, rows), preserve_index=False)
        with _naming(self._partial(name)):
            if name not in self._files:
                self._files[name] = parquet.ParquetWriter(self._partial(name), table.schema)
            self._files[name].write_table(table)

    def _partial(self, name: str) -> Path:
        return self._folder / f".{name}.parquet{PARTIAL}"

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is None:
                for name in COLUMNS:
                    self._write(name)
                for name, file in self._files.items():
                    with _naming(self._partial(name)):
                        file.close()
                for name in COLUMNS:
                    self._partial(name).replace(self._folder / f"{name}.parquet")
        finally:
            for name, file in self._files.items():
                with contextlib.suppress(OSError):  # of a disk that is full already
                    file.close()
                file.is_open = False  # or it would try once more when it is collected, and complain on standard error
                self._partial(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Arrow's errors do not say which file they are about."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def table_of(name: str, rows: list[dict[str, Any]]) -> pandas.DataFrame:
    """Rows as a table with the columns and types of ``name``; None becomes NaN or ""."""
    frame = pandas.DataFrame(rows, columns=list(COLUMNS[name]))
    for column, kind in COLUMNS[name].items():
        if kind is str:
            frame[column] = frame[column].fillna("").astype(str)
        elif kind is float:
            frame[column] = pandas.to_numeric(frame[column]).astype(np.float64)
        else:
            frame[column] = frame[column].astype(np.int64)
    return frame


def seeds_of(experiment: dict[str, Any]) -> tuple[int, ...]:
    """The seeds that an experiment's table holds; runs of before there were several have ``seed``."""
    return tuple(experiment.get("seeds") or [experiment.get("seed", 0)])


class Run:
    """A run as it lies on disk, for reading.

    Raises:
        RunError: the folder is not a run.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder = RunFolder(self.path)
        if not (self.path / "run.toml").is_file():
            raise RunError(
                f"{self.path}: not a run (no run.toml in it); make one with `streamflow compare --out {self.path}`"
            )

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """``run.toml``: the experiment as resolved."""
        try:
            return tomllib.loads((self.path / "run.toml").read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise RunError(f"{self.path / 'run.toml'}: not readable ({error}); start the run again") from None

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """``provenance.json``: versions, hardware, hashes, commands."""
        return self._json("provenance.json")

    @property
    def systems(self) -> list[str]:
        """Names, in the order in which they were given."""
        return list(self.experiment["systems"])

    @cached_property
    def utterances(self) -> list[dict[str, Any]]:
        """One dict an utterance, in the corpus's order: utterance_id, speaker_id, text, and split where there is one."""
        return self._json("utterances.json")

    def traces(self) -> pandas.DataFrame:
        """One row a chunk."""
        return self._table("traces")

    def scores(self) -> pandas.DataFrame:
        """One row a rendering and metric; ``value`` is NaN where ``unscored_because`` says why."""
        return self._table("scores")

    def seams(self) -> pandas.DataFrame:
        """One row a seam and measure, and the matched interior positions."""
        return self._table("seams")

    def latency(self) -> pandas.DataFrame:
        """One row a rendering."""
        return self._table("latency")

    def failures(self) -> pandas.DataFrame:
        """One row a rendering that failed, and the stage at which."""
        return self._table("failures")

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the decoders' noise, in the order in which they were given."""
        return seeds_of(self.experiment)

    def audio(self, system: str, utterance: str, seed: int | None = None) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz; of the first seed unless another is given."""
        return self._audio(self.audio_path(system, utterance, seed))

    def audio_path(self, system: str, utterance: str, seed: int | None = None) -> Path:
        """Where a rendering lies, FLAC."""
        return self._folder.audio(system, utterance, None if seed in (None, self.seeds[0]) else seed)

    def reference_path(self, utterance: str) -> Path:
        """Where a recording lies, FLAC."""
        return self._folder.reference(utterance)

    def reference(self, utterance: str) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz: the recording as loaded."""
        return self._audio(self._folder.reference(utterance))

    def profiles(self) -> pandas.DataFrame:
        """One row a rendering, kind of profile and offset."""
        return self._table("profiles")

    def jumps(self) -> pandas.DataFrame:
        """One row a seam: the jump of F0 there, see :func:`harness.prosody.f0_jumps`."""
        return self._table("jumps")

    def _table(self, name: str) -> pandas.DataFrame:
        path = self.path / f"{name}.parquet"
        if name in ("profiles", "jumps") and not path.is_file():  # runs of before there were profiles
            return table_of(name, [])
        if not path.is_file():
            raise RunError(f"{path}: not there yet; finish the run by giving its `streamflow compare` command again")
        try:
            table = pandas.read_parquet(path)
            # columns that runs of before there were several seeds or rates lack
            older = {"seed": self.seeds[0], "tokens_per_second": TOKENS_PER_SECOND}
            return table.assign(**{c: v for c, v in older.items() if c in COLUMNS[name] and c not in table})
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: not readable ({error}); give the `streamflow compare` command again") from None

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_bytes())
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.path / name}: not readable ({error}); give the `streamflow compare` command again"
            ) from None

    def _audio(self, path: Path) -> np.ndarray:
        if not path.is_file():
            raise RunError(f"{path}: no such audio; failures.parquet may say why")
        return read_flac(path)

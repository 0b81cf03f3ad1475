"""A run on disk: its layout, its records, and the reader that reports are made from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from streamflow.errors import StreamflowError

from .storage import encode_flac, read_flac, read_json, sha256_of, sha256_of_file, write_bytes, write_json
from .systems import REFERENCE

COLUMNS = {
    "traces": {
        "system": str, "utterance": str, "seed": int, "index": int, "start_sample": int,
        "seam_sample": int, "samples": int,
        "tokens_in": int, "arrived_s": float, "compute_s": float, "dit_s": float, "vocoder_s": float, "other_s": float,
    },
    "scores": {
        "system": str, "utterance": str, "speaker": str, "seed": int, "metric": str, "identity": str, "value": float,
        "unit": str, "unscored_because": str,
    },
    "seams": {
        "system": str, "utterance": str, "measure": str, "unit": str, "sample": int, "role": str, "value": float,
    },
    "latency": {
        "system": str, "utterance": str, "duration_s": float, "tokens": int, "first_packet_s": float, "rtf": float,
        "chunk_p50_s": float, "chunk_p95_s": float, "dit_s": float, "vocoder_s": float, "other_s": float,
        "peak_memory_mb": float, "algorithmic_latency_s": float,
    },
    "failures": {"system": str, "utterance": str, "stage": str, "error": str},
}  # fmt: skip


class RunError(StreamflowError):
    """A folder that is not a run, or not one that can be read."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything lies, and what is believed of it.

    A rendering exists when its record does, and the record is written last, with the hash of the audio: whatever a
    kill leaves before that is made again. Scores have records of their own, so that a new metric needs no decoding.
    """

    path: Path

    def inputs(self, utterance: str) -> Path:
        """Tokens and speaker embedding, ``.npz``."""
        return self.path / ".inputs" / f"{utterance}.npz"

    def audio(self, system: str, utterance: str) -> Path:
        """The rendering."""
        return self.path / "audio" / system / f"{utterance}.flac"

    def reference(self, utterance: str) -> Path:
        """The recording as loaded."""
        return self.audio(REFERENCE, utterance)

    @property
    def listening(self) -> Path:
        """Results of listening tests, ``STUDY.json`` each; written when a study of the run is analysed."""
        return self.path / "listening"

    def rendering_record(self, system: str, utterance: str) -> Path:
        """Key, audio hash, trace and latency."""
        return self.path / ".renderings" / system / f"{utterance}.json"

    def score_record(self, system: str, utterance: str) -> Path:
        """Scores by metric identity, and seams."""
        return self.path / ".scores" / system / f"{utterance}.json"

    def rendering(self, system: str, utterance: str, key: str) -> dict[str, Any] | None:
        """The record of a rendering, if there is one with this key and its audio is whole."""
        record = read_json(self.rendering_record(system, utterance))
        if not isinstance(record, dict) or record.get("key") != key:
            return None
        return record if sha256_of_file(self.audio(system, utterance)) == record.get("audio_sha256") else None

    def write_rendering(
        self, system: str, utterance: str, samples: np.ndarray, record: dict[str, Any]
    ) -> dict[str, Any]:
        """Write audio, then the record that vouches for it; returns the record."""
        self.forget_rendering(system, utterance)
        flac = encode_flac(samples)
        write_bytes(self.audio(system, utterance), flac)
        record = {**record, "audio_sha256": sha256_of(flac)}
        write_json(self.rendering_record(system, utterance), record)
        return record

    def forget_rendering(self, system: str, utterance: str) -> None:
        """Remove a rendering that no longer is one; the record first."""
        for path in (self.rendering_record(system, utterance), self.audio(system, utterance)):
            path.unlink(missing_ok=True)

    def count_renderings(self) -> int:
        """How many renderings are kept."""
        return sum(1 for _ in (self.path / ".renderings").glob("*/*.json"))

    def write_tables(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        """Write every table of the run, each atomically, with its columns and types even where it has no rows."""
        for name, rows in tables.items():
            write_bytes(self.path / f"{name}.parquet", table_of(name, rows).to_parquet(index=False))


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
        """One dict an utterance, in the corpus's order: utterance_id, speaker_id, text."""
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

    def audio(self, system: str, utterance: str) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz."""
        return self._audio(self._folder.audio(system, utterance))

    def reference(self, utterance: str) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz: the recording as loaded."""
        return self._audio(self._folder.reference(utterance))

    def renderings(self) -> Iterator[tuple[str, str]]:
        """System and utterance of every rendering that is in the tables."""
        yield from self.latency()[["system", "utterance"]].itertuples(index=False, name=None)

    def _table(self, name: str) -> pandas.DataFrame:
        path = self.path / f"{name}.parquet"
        if not path.is_file():
            raise RunError(f"{path}: not there yet; finish the run by giving its `streamflow compare` command again")
        try:
            return pandas.read_parquet(path)
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

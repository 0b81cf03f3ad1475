"""An experiment: which systems decode which utterances, with which seed, and what is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError

from . import toml
from .corpus import did_you_mean
from .systems import SystemSpec, parse_systems, unique

TYPES: dict[str, type] = {"corpus": str, "split": str, "checkpoint": str, "seed": int, "limit": int}


class ExperimentError(StreamflowError):
    """An experiment file that cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """What a run is the result of.

    Attributes:
        corpus: the manifest.
        systems: in the order of the report.
        split: the part of the corpus, None for all.
        checkpoint: a shipped bundle's name or a folder.
        seed: of the decoders' noise.
        metrics: names; None for every metric that there is.
        limit: only the first so many utterances, None for all.
    """

    corpus: Path
    systems: tuple[SystemSpec, ...]
    split: str | None = None
    checkpoint: str = "small"
    seed: int = 0
    metrics: tuple[str, ...] | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        unique(self.systems)

    def table(self) -> dict[str, Any]:
        """As an experiment file holds it."""
        return {
            "corpus": str(self.corpus),
            "split": self.split,
            "checkpoint": self.checkpoint,
            "seed": self.seed,
            "metrics": None if self.metrics is None else list(self.metrics),
            "limit": self.limit,
            "systems": {spec.name: spec.table() for spec in self.systems},
        }

    def to_toml(self) -> str:
        """As ``run.toml``: an experiment file that repeats the run from anywhere."""
        return toml.dumps(replace(self, corpus=self.corpus.resolve()).table())

    @classmethod
    def from_table(cls, table: Mapping[str, Any], *, source: str, folder: Path) -> Experiment:
        """Check and read what an experiment file holds.

        Args:
            table: as parsed; None is as if it were not there.
            source: what to call it in errors.
            folder: what a relative ``corpus`` is relative to.

        Raises:
            ExperimentError: a key missing, unknown or of the wrong type.
            UnknownSystemError: a system malformed.
        """
        table = {key: value for key, value in table.items() if value is not None}
        known = [*TYPES, "systems", "metrics"]
        for key in table:
            if key not in known:
                raise ExperimentError(
                    f"{source}: unknown key {key!r}{did_you_mean(key, known)}; known: {', '.join(known)}"
                )
        for key, kind in TYPES.items():
            if key in table and (not isinstance(table[key], kind) or isinstance(table[key], bool)):
                raise ExperimentError(f"{source}: {key} = {table[key]!r} must be {_article(kind)}")
        if "corpus" not in table:
            raise ExperimentError(f'{source}: no corpus; give --corpus MANIFEST or corpus = "MANIFEST" in the file')
        metrics = table.get("metrics")
        if metrics is not None and not _strings(metrics):
            raise ExperimentError(f"{source}: metrics = {metrics!r} must be a list of names")
        rest = {key: table[key] for key in TYPES if key in table and key != "corpus"}
        return cls(
            corpus=folder / Path(table["corpus"]).expanduser(),
            systems=_systems(table.get("systems", ()), source),
            metrics=None if metrics is None else tuple(metrics),
            **rest,
        )


def _systems(value: Any, source: str) -> tuple[SystemSpec, ...]:
    """``systems = ["full", "mine=decoder:Decoder"]``, or tables ``[systems.NAME]``."""
    if isinstance(value, Mapping):
        return unique(SystemSpec.from_table(name, table) for name, table in value.items())
    if not _strings(value):
        raise ExperimentError(f"{source}: systems must be a list of names or tables [systems.NAME]")
    return parse_systems(value)


def _strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _article(kind: type) -> str:
    return "a whole number" if kind is int else "a string"


def load_experiment(path: str | Path | None = None, **options: Any) -> Experiment:
    """Read an experiment file; options that are not None go before what the file says.

    Args:
        path: TOML, or None for the options alone. Its ``corpus`` is relative to the file.
        options: ``corpus``, ``systems`` (``full,mine=decoder:Decoder``), ``split``, ``checkpoint``, ``seed``,
            ``metrics`` (list), ``limit``.

    Raises:
        ExperimentError: no such file, not TOML, or a key missing, unknown or of the wrong type.
        UnknownSystemError: a system malformed.
    """
    table: dict[str, Any] = {}
    if path is not None:
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ExperimentError(f"{path}: {error.strerror}; give an experiment file (TOML)") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ExperimentError(f"{path}: not TOML: {error}") from None
        if isinstance(table.get("corpus"), str):
            table["corpus"] = str(path.parent / Path(table["corpus"]).expanduser())
    given = {key: value for key, value in options.items() if value is not None}
    if isinstance(given.get("systems"), str):
        given["systems"] = [entry for entry in given["systems"].split(",") if entry.strip()]
    if "corpus" in given:
        given["corpus"] = str(given["corpus"])
    return Experiment.from_table({**table, **given}, source=str(path or "options"), folder=Path())

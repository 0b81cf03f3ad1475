"""An experiment: which systems decode which utterances, with which seed, and what is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError

from . import toml
from .corpus import did_you_mean
from .systems import SystemSpec, parse_systems, unique

TYPES: dict[str, type] = {"corpus": str, "split": str, "checkpoint": str, "device": str, "limit": int}
LISTS: dict[str, type] = {"metrics": str, "seeds": int}
ALL, NONE = "all", "none"  # instead of names of metrics


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
        device: that decodes, ``cpu``, ``cuda`` or ``auto``.
        seeds: of the decoders' noise; with several, each utterance is decoded once for each, and scores are averaged
            within the utterance before anything else is done with them.
        metrics: names; None for the standard ones, ``("all",)`` for every one that there is.
        metric_options: parameters by metric name, such as the model that transcribes.
        limit: only the first so many utterances, None for all.
        sweep: what was varied to get the systems, tables by name, see :mod:`harness.sweep`.
    """

    corpus: Path
    systems: tuple[SystemSpec, ...]
    split: str | None = None
    checkpoint: str = "small"
    device: str = "cpu"
    seeds: tuple[int, ...] = (0,)
    metrics: tuple[str, ...] | None = None
    metric_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limit: int | None = None
    sweep: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unique(self.systems)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ExperimentError(f"seeds {list(self.seeds)}: give at least one, and each once")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics by name, in the order of tables."""
        return chosen_metrics(self.metrics, self.metric_options)

    def table(self) -> dict[str, Any]:
        """As an experiment file holds it."""
        sweep = {"sweep": {name: dict(table) for name, table in self.sweep.items()}} if self.sweep else {}
        return {
            "corpus": str(self.corpus),
            "split": self.split,
            "checkpoint": self.checkpoint,
            "device": None if self.device == "cpu" else self.device,
            "seeds": list(self.seeds),
            "metrics": None if self.metrics is None else list(self.metrics),
            "limit": self.limit,
            "metric": {name: dict(options) for name, options in self.metric_options.items()} or None,
            "systems": {spec.name: spec.table() for spec in self.systems},
            **sweep,
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
        if "seed" in table:  # what a run of before there were several holds
            table.setdefault("seeds", [table.pop("seed")])
            table.pop("seed", None)
        known = [*TYPES, *LISTS, "systems", "metric", "sweep"]
        for key in table:
            if key not in known:
                raise ExperimentError(
                    f"{source}: unknown key {key!r}{did_you_mean(key, known)}; known: {', '.join(known)}"
                )
        for key, kind in TYPES.items():
            if key in table and (not isinstance(table[key], kind) or isinstance(table[key], bool)):
                raise ExperimentError(f"{source}: {key} = {table[key]!r} must be {_article(kind)}")
        sweep = _swept(table, source)
        if "corpus" not in table:
            raise ExperimentError(f'{source}: no corpus; give --corpus MANIFEST or corpus = "MANIFEST" in the file')
        for key, kind in LISTS.items():
            if key in table and not _all_of(table[key], kind):
                raise ExperimentError(f"{source}: {key} = {table[key]!r} must be a list of {_plural(kind)}")
        rest = {key: tuple(table[key]) for key in LISTS if key in table}
        rest |= {key: table[key] for key in TYPES if key in table and key != "corpus"}
        return cls(
            corpus=folder / Path(table["corpus"]).expanduser(),
            systems=_systems(table.get("systems", ()), source),
            metric_options=_metric_options(table.get("metric", {}), source),
            sweep=sweep,
            **rest,
        )


def _systems(value: Any, source: str) -> tuple[SystemSpec, ...]:
    """``systems = ["full", "mine=decoder:Decoder"]``, or tables ``[systems.NAME]``."""
    if isinstance(value, Mapping):
        return unique(SystemSpec.from_table(name, table) for name, table in value.items())
    if not _all_of(value, str):
        raise ExperimentError(f"{source}: systems must be a list of names or tables [systems.NAME]")
    return parse_systems(value)


def chosen_metrics(names: tuple[str, ...] | None, options: Mapping[str, Any]) -> tuple[str, ...]:
    """What names of metrics stand for: the standard ones for None, and those that options are given for."""
    if names == (NONE,):
        return ()
    if names is not None and ALL not in names:
        return names
    from .metrics import REGISTRY, standard_metrics

    basis = standard_metrics() if names is None else tuple(REGISTRY)
    return tuple(dict.fromkeys((*basis, *options, *(name for name in names or () if name != ALL))))


def _swept(table: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Tables ``[sweep.NAME]``, as a run keeps them."""
    value = table.get("sweep", {})
    if not isinstance(value, Mapping) or not all(isinstance(part, Mapping) for part in value.values()):
        raise ExperimentError(f'{source}: sweep must be tables, such as [sweep.blocks] with strategy = "naive"')
    if value and not table.get("systems"):
        raise ExperimentError(f"{source}: what it sweeps is carried out by `streamflow sweep --experiment {source}`")
    return value


def _metric_options(value: Any, source: str) -> dict[str, dict[str, Any]]:
    """Tables ``[metric.NAME]``."""
    if not isinstance(value, Mapping) or not all(isinstance(options, Mapping) for options in value.values()):
        raise ExperimentError(f'{source}: metric must be tables, such as [metric.wer] with model = "pocketsphinx"')
    return {name: dict(options) for name, options in value.items()}


def parse_metric_options(entries: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read ``--metric-option wer.model=PATH``, one or several.

    Raises:
        ExperimentError: not of that form.
    """
    options: dict[str, dict[str, str]] = {}
    for entry in entries:
        place, equals, value = entry.partition("=")
        name, dot, parameter = place.partition(".")
        if not (equals and dot and name and parameter):
            raise ExperimentError(f"--metric-option {entry!r}: give METRIC.PARAMETER=VALUE, such as wer.model=PATH")
        options.setdefault(name.strip(), {})[parameter.strip()] = value.strip()
    return options


def _all_of(value: Any, kind: type) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, kind) and not isinstance(item, bool) for item in value
    )


def _article(kind: type) -> str:
    return "a whole number" if kind is int else "a string"


def _plural(kind: type) -> str:
    return "whole numbers" if kind is int else "names"


def load_experiment(path: str | Path | None = None, **options: Any) -> Experiment:
    """Read an experiment file; options that are not None go before what the file says.

    Args:
        path: TOML, or None for the options alone. Its ``corpus`` is relative to the file.
        options: ``corpus``, ``systems`` (``full,mine=decoder:Decoder``), ``split``, ``checkpoint``, ``device``,
            ``seeds`` (list), ``metrics`` (list), ``metric`` (parameters by metric name), ``limit``.

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

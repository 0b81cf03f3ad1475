"""The sweeps of a run as it lies on disk: which system has which value of what was varied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamflow.errors import StreamflowError
from streamflow.strategies import parameters_of_strategy
from streamflow.strategies.placement import PLACEMENT, TRAINED, placement_of

from .axes import Axis
from .planned import axes_of

WINDOW = {"block": "grid", "back": "back", "ahead": "ahead", "hop": "hop"}  # as a system's description calls them


@dataclass(frozen=True)
class SweptRun:
    """One sweep of a run.

    Attributes:
        name: of ``[sweep.NAME]``.
        axes: what was varied.
        strategies: in the order given.
        systems: by name, the strategy.
        values: by system, the value of each axis that its strategy takes; None where the strategy chooses and does not
            say what.
        defaults: by strategy, the system that is at the defaults (and at what the sweep fixes).
        baseline: what all were to be compared with; None for the defaults.
        left_out: ``NAME: why``.
        chosen: by system, the axes on which the strategy chose.
        otherwise: by system, what its weights were trained with where they are used otherwise.
    """

    name: str
    axes: tuple[Axis, ...]
    strategies: tuple[str, ...]
    systems: Mapping[str, str]
    values: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, str]
    baseline: str | None = None
    left_out: tuple[str, ...] = ()
    chosen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)


def swept_runs(experiment: Mapping[str, Any], provenance: Mapping[str, Any] | None = None) -> list[SweptRun]:
    """The sweeps that a run holds; none for a run without.

    Args:
        experiment: ``run.toml``.
        provenance: ``provenance.json``; its descriptions say what strategies chose.
    """
    tables = experiment.get("sweep")
    if not isinstance(tables, Mapping):
        return []
    described = (provenance or {}).get("systems", {})
    found = []
    for name, table in tables.items():
        specs = {s: experiment["systems"][s] for s in table.get("systems", ()) if s in experiment["systems"]}
        if len(specs) < 2:
            continue
        axes = axes_of(table)
        values = {s: _values(spec, described.get(s, {}), axes) for s, spec in specs.items()}
        systems = {s: str(spec.get("strategy", s)) for s, spec in specs.items()}
        baseline = table.get("baseline")
        found.append(
            SweptRun(
                name=name,
                axes=tuple(Axis(axis.name, _present(axis.name, values)) for axis in axes),
                strategies=tuple(dict.fromkeys(systems.values())),
                systems=systems,
                values=values,
                defaults=_defaults(specs, systems, table.get("fixed") or {}),
                baseline=baseline if baseline in experiment["systems"] else None,
                left_out=tuple(table.get("left_out") or ()),
                chosen={s: frozenset(a.name for a in axes if _is_chosen(spec, a.name)) for s, spec in specs.items()},
                otherwise={s: t for s in specs if (t := described.get(s, {}).get("trained_otherwise"))},
            )
        )
    return found


def _values(spec: Mapping[str, Any], description: Mapping[str, Any], axes: tuple[Axis, ...]) -> dict[str, Any]:
    """What a system has on each axis: as given, else as it describes itself, else its strategy's default."""
    resolved = {**_defaults_of(str(spec.get("strategy", ""))), **(description.get("parameters") or {}), **spec}
    window = description.get("window") or {}
    layers = (description.get("pattern") or {}).get("layers")
    placed = dict(zip(PLACEMENT, placement_of(layers), strict=True)) if layers else {}
    found = {}
    for axis in axes:
        if axis.name in resolved:
            value = resolved[axis.name]
            if value is None and axis.name in WINDOW:
                value = window.get(WINDOW[axis.name])
            found[axis.name] = placed.get(axis.name) or value
    return found


def _is_chosen(spec: Mapping[str, Any], parameter: str) -> bool:
    return spec.get(parameter) in (None, TRAINED)


def _defaults_of(strategy: str) -> dict[str, Any]:
    try:
        return parameters_of_strategy(strategy)
    except StreamflowError:  # of a version that had other strategies
        return {}


def _present(axis: str, values: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
    """The values that systems have, the default's too; numbers by size."""
    there = list(dict.fromkeys(mine[axis] for mine in values.values() if axis in mine))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        return tuple(sorted(there))
    return tuple(there)


def _defaults(specs: Mapping[str, Any], systems: Mapping[str, str], fixed: Mapping[str, Any]) -> dict[str, str]:
    """By strategy: the system with nothing but what the sweep fixes, else the first."""
    chosen: dict[str, str] = {}
    for system, strategy in systems.items():
        own = {k: v for k, v in specs[system].items() if k != "strategy"}
        taken = {k: v for k, v in fixed.items() if k in _defaults_of(strategy)}
        if own == taken or strategy not in chosen:
            chosen[strategy] = system
    return chosen

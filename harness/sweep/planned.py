"""A sweep made ready: what the strategies take of it, joined with what the run's folder holds already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamflow.checkpoints import Bundle
from streamflow.errors import StreamflowError
from streamflow.strategies import STRATEGIES, parameters_of_strategy, plan_of_strategy
from streamflow.strategies.placement import trained_otherwise

from ..run import Run
from ..systems import SystemSpec, otherwise_trained
from .axes import Axis
from .limits import WORTH_ASKING
from .points import Point, combinations, point, points_of, untaken
from .sweep import Sweep, SweepError


@dataclass(frozen=True)
class PlannedSweep:
    """What is to be decoded.

    Attributes:
        systems: all of them, those that the run holds already too.
        tables: ``[sweep.NAME]`` as ``run.toml`` keeps them: the sweep, its ``systems``, and what was ``left_out``.
        left_out: by name of the system: why it cannot be, or which one it is the same as.
        notes: sentences about axes that a strategy does not take.
        kept: systems of the folder that this sweep did not ask for.
        otherwise: sentences about systems whose weights were trained otherwise than they are used.
    """

    systems: tuple[SystemSpec, ...]
    tables: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    kept: Sequence[str] = ()
    otherwise: Sequence[str] = ()


def plan_sweeps(sweeps: Mapping[str, Sweep], bundle: Bundle, out: Path | None = None) -> PlannedSweep:
    """Make sweeps ready; the systems of a run that ``out`` holds stay, so that a wider sweep adds to it.

    Args:
        sweeps: by name.
        bundle: the weights that the strategies are asked with.
        out: the run's folder, None or not there for a new one.

    Raises:
        SweepError: nothing is left to decode, or an unknown baseline.
    """
    specs: dict[str, SystemSpec] = {}
    tables: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    notes: list[str] = []
    described: dict[str, Mapping[str, Any]] = {}
    for name, sweep in sweeps.items():
        usable, refused = _usable(points_of(sweep), bundle, described)
        if len(usable) < 2:
            why = next(iter(refused.values()), "all values are the default")
            raise SweepError(f"sweep {name}: nothing is left to vary ({why}); give other values")
        specs |= {made.name: made.spec for made in usable}
        tables[name] = {**sweep.table(), "systems": [made.name for made in usable], "left_out": _lines(refused)}
        left_out |= refused
        notes += [note for note in untaken(sweep) if note not in notes]
    asked = {sweep.baseline for sweep in sweeps.values()} - {None}
    held = _held(out)
    bases = {name: _baseline(name, specs, held) for name in sorted(asked)}
    old = {name: SystemSpec.from_table(name, table) for name, table in held.get("systems", {}).items()}
    kept = [name for name in old if name not in specs and name not in bases]
    joined = _joined(tables, held.get("sweep", {}))
    order = _order(joined)
    everything = {**bases, **old, **specs}
    systems = sorted(everything, key=lambda name: order.get(name, (-1 if name in bases else -2,)))
    return PlannedSweep(
        tuple(everything[name] for name in systems), joined, left_out, notes, kept, otherwise_trained(described)
    )


def refuse_too_many(sweeps: Mapping[str, Sweep], most: int) -> None:
    """Refuse sweeps with so many combinations that asking the strategies about them takes long, too.

    Raises:
        SweepError: far more than ``most`` systems can come of them.
    """
    total = sum(combinations(sweep) for sweep in sweeps.values())
    if total > WORTH_ASKING * most:
        raise SweepError(f"{total} combinations are far more than {most} systems; vary less, or one axis at a time")


def _usable(
    points: list[Point], bundle: Bundle, described: dict[str, Mapping[str, Any]]
) -> tuple[list[Point], dict[str, str]]:
    """The points that their strategies take, and why not the others; of those that do the same, the first.

    What is to be said of them is added to ``described``. The bundle's card is read, and no weights.
    """
    usable: list[Point] = []
    refused: dict[str, str] = {}
    plans: list[tuple[Any, str]] = []
    for made in points:
        everything = {**parameters_of_strategy(made.strategy), **made.parameters}
        try:
            plan = plan_of_strategy(made.strategy, bundle, everything)
        except StreamflowError as error:
            refused[made.name] = str(error)
            continue
        same = next((name for known, name in plans if plan is not None and known == (made.strategy, plan)), None)
        if same is not None:
            refused[made.name] = f"the same as {same}"
            continue
        plans.append(((made.strategy, plan), made.name))
        usable.append(made)
        if plan is not None:
            trained = bundle.pattern(plan.weights)
            described[made.name] = {"trained_otherwise": trained_otherwise(plan.pattern, trained)}
    return usable, refused


def _baseline(name: str, specs: Mapping[str, SystemSpec], held: Mapping[str, Any]) -> SystemSpec:
    if name in specs:
        return specs[name]
    if name in held.get("systems", {}):
        return SystemSpec.from_table(name, held["systems"][name])
    if name in STRATEGIES:
        return point(name, {}).spec
    raise SweepError(
        f"--baseline {name}: neither a strategy nor a system of the sweep; there are {', '.join([*STRATEGIES, *specs])}"
    )


def _held(out: Path | None) -> Mapping[str, Any]:
    """``run.toml`` of the folder; empty for one that is new, or that ``harness.compare`` is going to refuse."""
    if out is None or not (out / "run.toml").is_file():
        return {}
    experiment = Run(out).experiment
    return {} if "rendered" in experiment else experiment


def _lines(refused: Mapping[str, str]) -> list[str]:
    return [f"{name}: {why}" for name, why in refused.items()]


def _joined(new: Mapping[str, dict[str, Any]], old: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tables of what was swept before and now; of one name, their axes, values and systems together."""
    joined = {name: dict(table) for name, table in old.items()}
    for name, table in new.items():
        before = joined.get(name)
        joined[name] = {**table, "left_out": table["left_out"] or None} if before is None else _both(before, table)
    return joined


def _both(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    def together(key: str) -> list[Any]:
        return list(dict.fromkeys([*before.get(key, ()), *now.get(key, ())]))

    vary = {
        name: list(_sorted(dict.fromkeys([*before["vary"].get(name, ()), *now["vary"].get(name, ())])))
        for name in dict.fromkeys([*before["vary"], *now["vary"]])
    }
    systems = together("systems")
    left_out = [line for line in together("left_out") if line.partition(": ")[0] not in systems]
    fixed = now["fixed"] if now.get("fixed") == before.get("fixed") else None
    both = {"strategy": together("strategy"), "vary": vary, "systems": systems, "left_out": left_out or None}
    alone = before.get("one_at_a_time") and now.get("one_at_a_time")
    return {**both, "one_at_a_time": alone or None, "baseline": now.get("baseline"), "fixed": fixed}


def _sorted(values: Any) -> list[Any]:
    """Numbers by size, anything else as it came."""
    values = list(values)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return sorted(values) if numbers else values


def _order(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Where a system stands: with its sweep, in the order in which it was asked for."""
    order: dict[str, tuple[int, int]] = {}
    for place, table in enumerate(tables.values()):
        for index, name in enumerate(table["systems"]):
            order.setdefault(name, (place, index))
    return order


def axes_of(table: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of a sweep as ``run.toml`` keeps it."""
    return tuple(Axis(name, tuple(None if v == "none" else v for v in vs)) for name, vs in table["vary"].items())

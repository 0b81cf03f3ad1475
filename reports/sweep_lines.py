"""Which systems of a sweep a line goes through: one parameter varies, all others stay where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.sweep import Axis, SweptRun


@dataclass(frozen=True)
class Line:
    """The systems of one strategy along an axis, in the order of its values."""

    strategy: str
    systems: tuple[str, ...]
    values: tuple[Any, ...]


def lines_of(swept: SweptRun, axis: str, held: dict[str, Any] | None = None) -> list[Line]:
    """A line for each strategy that takes the axis and has two points on it.

    Args:
        swept: of the run.
        axis: what varies.
        held: values of other axes, for the strategies that take them; those not named are at the strategy's default.
    """
    order = next(a.values for a in swept.axes if a.name == axis)
    found = []
    for strategy in swept.strategies:
        default = swept.values[swept.defaults[strategy]]
        if any(name not in default for name in held or {}):
            continue
        fixed = {name: value for name, value in {**default, **(held or {})}.items() if name != axis}
        at: dict[Any, str] = {}
        for system in sorted(swept.systems, key=lambda one: -len(swept.chosen.get(one, ()))):
            values = swept.values[system]
            mine = swept.systems[system] == strategy and axis in values
            if mine and all(_stays(swept, system, strategy, k, v, held or {}) for k, v in fixed.items()):
                at.setdefault(values[axis], system)
        present = [value for value in order if value in at]
        if len(present) > 1:
            found.append(Line(strategy, tuple(at[value] for value in present), tuple(present)))
    return found


def _stays(swept: SweptRun, system: str, strategy: str, name: str, value: Any, held: dict[str, Any]) -> bool:
    """Whether a parameter that does not vary is as it should be; what the strategy chose may follow what varies."""
    pair = (system, swept.defaults[strategy])
    both_chose = name not in held and all(name in swept.chosen.get(one, ()) for one in pair)
    return both_chose or _alike(swept.values[system][name], value)


def _alike(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def multiples(swept: SweptRun) -> list[tuple[Axis, Axis]]:
    """(along, across): for the axis with the most values, every other axis that it is crossed with."""
    if len(swept.axes) < 2:
        return []
    along = max(swept.axes, key=lambda axis: len(axis.values))
    pairs = [(along, axis) for axis in swept.axes if axis is not along]
    return [pair for pair in pairs if sum(bool(crossed(swept, *pair, value)) for value in pair[1].values) > 1]


def crossed(swept: SweptRun, along: Axis, across: Axis, value: Any) -> list[Line]:
    """The lines along one axis where another has a value."""
    return lines_of(swept, along.name, {across.name: value})


def told(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "the strategy's"
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(swept: SweptRun, system: str) -> str:
    """What of a system is not as its strategy's default has it, ``block 12, crossfade 0.1``; the name of a default."""
    default = swept.values[swept.defaults[swept.systems[system]]]
    own = [(name, value) for name, value in swept.values[system].items() if not _alike(value, default[name])]
    return ", ".join(f"{name} {told(value)}" for name, value in own) or system


def named(swept: SweptRun, system: str) -> str:
    """A system in words that may be broken: ``naive, block 12, crossfade 0.1``."""
    if system not in swept.systems:
        return system
    own = label(swept, system)
    return own if own == system else f"{swept.systems[system]}, {own}"

"""The combinations of a sweep, each a system with a name that says what of it is not at its default."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamflow.strategies import parameters_of_strategy

from ..systems import SystemSpec
from .sweep import Sweep

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Point:
    """One system of a sweep.

    Attributes:
        strategy: by name.
        parameters: those that are not at their defaults, in the strategy's order.
    """

    strategy: str
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``naive``, ``naive@block-10+crossfade-0.1``: the same whatever sweep the point is in.

        What is at its default is left out, so that a sweep with one axis more finds what was decoded before; no commas
        and no equals signs, which other commands read as something else.
        """
        told = "+".join(f"{key}-{_plain(value)}" for key, value in self.parameters.items())
        return f"{self.strategy}@{told}" if told else self.strategy

    @property
    def spec(self) -> SystemSpec:
        """For an experiment."""
        return SystemSpec(self.name, strategy=self.strategy, parameters=dict(self.parameters))


def point(strategy: str, parameters: Mapping[str, Any]) -> Point:
    """A point from parameters of which some may be at their defaults."""
    defaults = parameters_of_strategy(strategy)
    chosen = {k: parameters[k] for k in defaults if k in parameters and not _same(parameters[k], defaults[k])}
    return Point(strategy, chosen)


def points_of(sweep: Sweep) -> list[Point]:
    """Every point of a sweep, each once; a strategy's default (with what the sweep fixes) comes first.

    A strategy that does not take an axis is not varied along it: :func:`untaken` says so.
    """
    found: dict[str, Point] = {}
    for strategy in sweep.strategies:
        taken = parameters_of_strategy(strategy)
        axes = [axis for axis in sweep.axes if axis.name in taken]
        fixed = {key: value for key, value in sweep.fixed.items() if key in taken}
        if sweep.one_at_a_time:
            chosen = [{axis.name: value} for axis in axes for value in axis.values]
        else:
            chosen = [
                dict(zip([axis.name for axis in axes], values, strict=True))
                for values in itertools.product(*(axis.values for axis in axes))
            ]
        for values in [{}, *chosen]:
            made = point(strategy, {**fixed, **values})
            found.setdefault(made.name, made)
    return list(found.values())


def combinations(sweep: Sweep) -> int:
    """How many points there are at most, before any is made."""
    total = 0
    for strategy in sweep.strategies:
        taken = parameters_of_strategy(strategy)
        lengths = [len(axis.values) for axis in sweep.axes if axis.name in taken]
        total += 1 + (sum(lengths) if sweep.one_at_a_time else math.prod(lengths))
    return total


def untaken(sweep: Sweep) -> list[str]:
    """What strategies do not take of what is varied or fixed, in sentences."""
    told = []
    for strategy in sweep.strategies:
        taken = parameters_of_strategy(strategy)
        for word, names in (("varied", [axis.name for axis in sweep.axes]), ("set", list(sweep.fixed))):
            missing = [name for name in names if name not in taken]
            if missing:
                told.append(f"{strategy} takes no {' or '.join(missing)}, which is not {word} for it")
    return told


def _same(value: Any, default: Any) -> bool:
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0").replace("e+", "e")
    return _NOT_PLAIN.sub("_", str(value)) if value is not None else "none"

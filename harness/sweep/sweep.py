"""A sweep as a person gives it: strategies, axes, what stays fixed, and what all of it is compared with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError
from streamflow.strategies import STRATEGIES, parameters_of_strategy

from ..corpus import did_you_mean
from .axes import Axis, typed, values_of, word_of

KEYS = ("strategy", "vary", "fixed", "one_at_a_time", "baseline")
NOTED = ("systems", "left_out")  # what run.toml adds


class SweepError(StreamflowError):
    """A sweep that cannot be carried out."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is varied.

    Attributes:
        name: in ``[sweep.NAME]``.
        strategies: keys of ``streamflow.strategies.STRATEGIES``.
        axes: each taken by at least one of them.
        fixed: parameters other than at their defaults in all points.
        one_at_a_time: from the defaults, instead of every combination.
        baseline: the system that all are compared with; None for each strategy's own default.
    """

    name: str
    strategies: tuple[str, ...]
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    one_at_a_time: bool = False
    baseline: str | None = None

    @classmethod
    def from_table(cls, name: str, table: Mapping[str, Any]) -> Sweep:
        """Read ``[sweep.NAME]``; values as :func:`harness.sweep.values_of` takes them.

        Raises:
            SweepError: an unknown key, strategy or parameter, or nothing to vary.
            AxisError: values that cannot be read.
        """
        where = f"[sweep.{name}]"
        if not isinstance(table, Mapping):
            raise SweepError(
                f'{where}: must be a table, such as strategy = "naive" and vary = {{ block = "10:60:10" }}'
            )
        for key in table:
            if key not in (*KEYS, *NOTED):
                raise SweepError(
                    f"{where}: unknown key {key!r}{did_you_mean(key, list(KEYS))}; known: {', '.join(KEYS)}"
                )
        given = table.get("strategy", ())
        strategies = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
        if not strategies:
            raise SweepError(f"{where}: no strategy; give one, such as --strategy naive")
        for strategy in strategies:
            if strategy not in STRATEGIES:
                known = sorted(STRATEGIES)
                raise SweepError(
                    f"unknown strategy {strategy!r}{did_you_mean(str(strategy), known)}; there are {', '.join(known)}"
                )
        vary, fixed = table.get("vary") or {}, table.get("fixed") or {}
        if not isinstance(vary, Mapping) or not isinstance(fixed, Mapping):
            raise SweepError(f"{where}: vary and fixed are tables of parameters, such as [sweep.{name}.vary]")
        if not vary:
            raise SweepError(f"{where}: nothing is varied; give --vary PARAMETER=VALUES, such as --vary block=10:60:10")
        for key in fixed:
            if key in vary:
                raise SweepError(f"{where}: {key} is both varied and fixed; leave one of them out")
        axes = tuple(Axis(key, values_of(key, value, _default(strategies, key))) for key, value in vary.items())
        fixed = {key: typed(key, word_of(value), _default(strategies, key)) for key, value in fixed.items()}
        baseline = table.get("baseline")
        return cls(
            name=name,
            strategies=strategies,
            axes=axes,
            fixed=fixed,
            one_at_a_time=bool(table.get("one_at_a_time", False)),
            baseline=str(baseline) if baseline else None,
        )

    def table(self) -> dict[str, Any]:
        """The inverse of :meth:`from_table`; None, as the strategy chooses, is the word ``none``."""
        return {
            "strategy": list(self.strategies),
            "one_at_a_time": self.one_at_a_time or None,
            "baseline": self.baseline,
            "vary": {axis.name: ["none" if v is None else v for v in axis.values] for axis in self.axes},
            "fixed": dict(self.fixed) or None,
        }


def _default(strategies: tuple[str, ...], parameter: str) -> Any:
    """The default that says which type a parameter has: of the first strategy that gives it one.

    Raises:
        SweepError: no strategy takes it.
    """
    taken = [p[parameter] for s in strategies if parameter in (p := parameters_of_strategy(s))]
    if not taken:
        known = list(dict.fromkeys(key for strategy in strategies for key in parameters_of_strategy(strategy)))
        which = "none of them takes" if len(strategies) > 1 else "it does not take"
        hint = "; noise is varied by --seeds" if parameter in ("seed", "seeds") else did_you_mean(parameter, known)
        raise SweepError(
            f"{', '.join(strategies)}: {which} {parameter!r}{hint}; to be varied are {', '.join(known) or 'none'}"
        )
    return next((default for default in taken if default is not None), None)


def read_sweeps(path: Path) -> dict[str, Sweep]:
    """The tables ``[sweep.NAME]`` of an experiment file.

    Raises:
        SweepError: not readable, or none in it.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SweepError(f"{path}: {error.strerror}; give an experiment file (TOML)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SweepError(f"{path}: not TOML: {error}") from None
    sweeps = table.get("sweep")
    if not isinstance(sweeps, Mapping) or not sweeps:
        raise SweepError(f'{path}: no sweep in it; add [sweep.NAME] with strategy = "naive" and [sweep.NAME.vary]')
    return {name: Sweep.from_table(name, part) for name, part in sweeps.items()}

"""What a benchmark's systems are: strategies of the bundle, as they are or with parameters of one's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streamflow.checkpoints import Bundle
from streamflow.decoding import Plan
from streamflow.errors import StreamflowError
from streamflow.strategies import STRATEGIES, make_system, parameters_of_strategy, plan_of_strategy
from streamflow.strategies.base import MadeSystem

from .errors import BenchError


@dataclass(frozen=True)
class Entry:
    """A strategy with the parameters that differ from its defaults.

    Attributes:
        label: in tables: ``cosyvoice`` or ``cosyvoice:cached=true``.
        strategy: a key of ``STRATEGIES``.
        parameters: the ones that differ.
    """

    label: str
    strategy: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read ``NAME`` or ``NAME:KEY=VALUE+KEY=VALUE``; values are JSON, or words.

        >>> Entry.parse("cosyvoice:cached=true+hop=2").parameters
        {'cached': True, 'hop': 2}

        Raises:
            BenchError: something else.
        """
        name, _, rest = text.strip().partition(":")
        parameters = {}
        for part in filter(None, rest.split("+")):
            key, equals, value = part.partition("=")
            if not equals or not key or not value:
                raise BenchError(f"{text!r}: after ':' give KEY=VALUE, such as cosyvoice:cached=true")
            try:
                parameters[key] = json.loads(value)
            except ValueError:
                parameters[key] = value
        return cls(text.strip(), name, parameters)

    def with_(self, **parameters: Any) -> Entry:
        """The same strategy with other parameters."""
        both = self.parameters | parameters
        words = "+".join(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in both.items())
        return Entry(f"{self.strategy}:{words}", self.strategy, both)

    def system(self, bundle: Bundle) -> MadeSystem:
        """Open it.

        Raises:
            StreamflowError: unknown, or the bundle has no weights for it.
        """
        return make_system(self.strategy, bundle, **self.parameters)

    def plan(self, bundle: Bundle) -> Plan:
        """What it does; only for those that decode with a flow.

        Raises:
            StreamflowError: unknown, a control, or the bundle has no weights for it.
        """
        plan = plan_of_strategy(self.strategy, bundle, parameters_of_strategy(self.strategy) | self.parameters)
        if plan is None:
            raise BenchError(f"{self.label} is a control and has no flow to measure; leave it out of --strategies")
        return plan


def entries_of(names: Sequence[str] | None, bundle: Bundle) -> tuple[Entry, ...]:
    """The entries asked for, or every strategy that decodes with a flow and that the bundle has weights for.

    Raises:
        StreamflowError: one of those asked for cannot be made.
    """
    if names is not None:
        entries = tuple(map(Entry.parse, names))
        for entry in entries:
            entry.system(bundle)
            entry.plan(bundle)
        return entries
    return tuple(entry for entry in map(Entry.parse, STRATEGIES) if _makeable(entry, bundle))


def _makeable(entry: Entry, bundle: Bundle) -> bool:
    try:
        entry.plan(bundle)
        entry.system(bundle)
    except StreamflowError:
        return False
    return True

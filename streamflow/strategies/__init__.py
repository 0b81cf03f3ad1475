"""The strategies by name. A new one is a new file with a :class:`Strategy` and a line here."""

from __future__ import annotations

import difflib

from ..checkpoints import Bundle
from ..decoding import Plan
from ..errors import StrategyError
from . import causal, clean_prefix, controls, cosyvoice, full, naive, overlap, streamflow, window
from .base import MadeSystem, Strategy
from .parameters import checked_parameters

_ALL: tuple[Strategy, ...] = (
    full.STRATEGY,
    full.CONTINUED,
    naive.STRATEGY,
    window.STRATEGY,
    overlap.STRATEGY,
    causal.STRATEGY,
    cosyvoice.STRATEGY,
    streamflow.BLOCK_ONLY,
    streamflow.SHORT,
    streamflow.LONG,
    streamflow.LONG_TWO,
    streamflow.NONE_AHEAD,
    clean_prefix.STRATEGY,
    controls.COPY_SYNTHESIS,
    controls.TOKENIZER,
)
_BY_NAME = {s.name: s for s in _ALL}

STRATEGIES: dict[str, str] = {s.name: s.description for s in _ALL}


def make_system(name: str, bundle: Bundle, **parameters) -> MadeSystem:
    """A system that decodes with the strategy ``name``; sessions share its weights and nothing else.

    Args:
        name: a key of ``STRATEGIES``.
        bundle: the weights.
        **parameters: what the strategy lets one change, such as ``nfe``, ``guidance``, ``block`` or ``hop``.

    Raises:
        StrategyError: an unknown strategy or parameter, with the nearest known one; a value of another kind.
    """
    strategy = _strategy(name)
    return strategy.make(bundle, _checked(strategy, parameters))


def parameters_of_strategy(name: str) -> dict:
    """The parameters of a strategy with their defaults.

    Raises:
        StrategyError: an unknown strategy, with the nearest known one.
    """
    return dict(_strategy(name).parameters)


def plan_of_strategy(name: str, bundle: Bundle, parameters: dict) -> Plan | None:
    """What a strategy does with all of its ``parameters`` given, from the bundle's card: no weights are read.

    Returns:
        None for controls.

    Raises:
        StrategyError: an unknown strategy, or parameters that do not go together.
        CheckpointError: the bundle has no weights for it.
    """
    strategy = _strategy(name)
    return None if strategy.plan is None else strategy.plan(bundle, _checked(strategy, parameters))


def _checked(strategy: Strategy, parameters: dict) -> dict:
    for key in parameters:
        if key not in strategy.parameters:
            known = ", ".join(strategy.parameters) or "none"
            near = _near(key, strategy.parameters)
            raise StrategyError(f"{strategy.name}: unknown parameter {key}{near}; it takes {known}")
    return checked_parameters(strategy.name, strategy.parameters, parameters)


def _strategy(name: str) -> Strategy:
    if name not in _BY_NAME:
        raise StrategyError(f"unknown strategy {name}{_near(name, _BY_NAME)}; there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def _near(word: str, known) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""

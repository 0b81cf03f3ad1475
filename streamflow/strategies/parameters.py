"""Parameters of a strategy as given: each of the kind that its default is, before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import StrategyError
from . import placement

UNBOUNDED = ("hop", "back", "ahead")  # None is all that there is


def checked_parameters(strategy: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with what is given in their place.

    A default of None stands for what the weights were trained with, a whole number.

    Raises:
        StrategyError: a value of another kind than its default's.
    """
    for name, value in given.items():
        default = defaults[name]
        if value is None and (default is None or name in UNBOUNDED):
            continue
        kind, words = _kind(default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise StrategyError(f"{strategy}: {name}={value!r} must be {words}, such as {_example(default)}")
    return {**defaults, **given}


def _kind(default: Any) -> tuple[Any, str]:
    match default:
        case bool():
            return bool, "true or false"
        case float():
            return int | float, "a number"
        case placement.TRAINED:
            return str | int | list | tuple, "layers"
        case str():
            return str, "a word"
        case _:
            return int, "a whole number"


def _example(default: Any) -> str:
    match default:
        case None:
            return "2"
        case placement.TRAINED:
            return "0+7"
        case bool():
            return str(default).lower()
        case _:
            return str(default)

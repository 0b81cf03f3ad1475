"""What is varied: a parameter and its values, written as ``block=10:60:10`` or ``crossfade=0,0.1,0.2``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from streamflow.errors import StreamflowError
from streamflow.strategies.placement import NO_LAYER

MOST_VALUES = 1000  # of one axis: more is a slip of the keyboard
TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")


class AxisError(StreamflowError):
    """An axis that cannot be read."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the values that it takes, each once."""

    name: str
    values: tuple[Any, ...]


def parse_axis(entry: str) -> tuple[str, str]:
    """Split ``NAME=VALUES``; what the values are depends on the parameter, see :func:`values_of`.

    Raises:
        AxisError: not of that form.
    """
    name, equals, text = entry.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name or not text.strip():
        raise AxisError(f"{entry!r}: give PARAMETER=VALUES, such as block=10:60:10 or crossfade=0,0.1,0.2")
    return name, text.strip()


def parse_axes(entries: Iterable[str]) -> dict[str, str]:
    """Entries as :func:`parse_axis` takes them; values of a parameter that is there twice go together."""
    axes: dict[str, str] = {}
    for entry in entries:
        name, values = parse_axis(entry)
        axes[name] = f"{axes[name]},{values}" if name in axes else values
    return axes


def values_of(name: str, given: Any, default: Any) -> tuple[Any, ...]:
    """The values of an axis, typed as the parameter's default is, in the order given and each once.

    Args:
        name: of the parameter, for errors.
        given: values and ranges ``start:stop:step`` (both ends included, step 1 where it is left out) separated by
            commas, one value, or a list of them; in that, a list is one value, of layers.
        default: of the parameter; for None (the strategy chooses) whole numbers, other numbers, booleans and words are
            told apart by how they are written.

    Raises:
        AxisError: no values, too many, a range that never ends, or a value of another type.
    """
    entries = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    words = [word for entry in entries for word in _words(name, entry)]
    if not words:
        raise AxisError(f"{name}: no values; give some, such as {name}=1,2,4")
    if len(words) > MOST_VALUES:
        raise AxisError(f"{name}: {len(words)} values; give at most {MOST_VALUES}")
    return tuple(dict.fromkeys(typed(name, word, default) for word in words))


def _words(name: str, entry: Any) -> list[str]:
    """One entry as words, ranges written out."""
    if isinstance(entry, bool | list):
        return [word_of(entry)]
    parts = [part.strip() for part in str(entry).split(",")]
    if not all(parts):
        raise AxisError(f"{name}={entry}: a value is missing between commas; leave the comma out")
    return [word for part in parts for word in (_range(name, part) if ":" in part else [part])]


def word_of(value: Any) -> str:
    """A value of a file as on the command line; a list names layers."""
    if isinstance(value, list):
        return "+".join(map(str, value)) or NO_LAYER
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(name: str, text: str) -> list[str]:
    """``start:stop:step`` written out in decimal arithmetic, so that 0:0.3:0.1 ends with 0.3."""
    try:
        start, stop, step = [*(Decimal(part.strip()) for part in text.split(":")), Decimal(1)][:3]
        usable = 2 <= text.count(":") + 1 <= 3 and all(number.is_finite() for number in (start, stop, step))
    except (InvalidOperation, ValueError):
        usable = False
    if not usable:
        raise AxisError(f"{name}={text}: a range is start:stop:step in numbers, such as {name}=10:60:10")
    if step == 0 or (stop - start) / step < 0:
        raise AxisError(f"{name}={text}: from {start} in steps of {step} one never comes to {stop}")
    if (stop - start) / step >= MOST_VALUES:
        raise AxisError(f"{name}={text}: more than {MOST_VALUES} values; make the step larger")
    return [f"{start + index * step:f}" for index in range(int((stop - start) / step) + 1)]


def typed(name: str, word: str, default: Any) -> Any:
    """A word as the type of the parameter's default.

    Raises:
        AxisError: it cannot be one.
    """
    kind = bool if isinstance(default, bool) else type(default)
    low = word.lower()
    if default is None:
        return None if low == "none" else _guess(word)
    if kind is bool:
        if low not in (*TRUE, *FALSE):
            raise AxisError(f"{name}={word}: give true or false")
        return low in TRUE
    try:
        if kind is int:
            number = Decimal(word)
            if number != int(number):
                raise ValueError
            return int(number)
        if kind is float:
            number = float(word)
            if number != number or number in (float("inf"), float("-inf")):
                raise ValueError
            return number
    except (InvalidOperation, ValueError, OverflowError):
        raise AxisError(
            f"{name}={word}: {name} is {'a whole number' if kind is int else 'a number'}, such as {default}"
        ) from None
    if kind is str:
        return word
    raise AxisError(f"{name}: its default {default!r} is neither number, boolean nor word; it cannot be varied")


def _guess(word: str) -> Any:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return True if word.lower() in TRUE else False if word.lower() in FALSE else word

"""Tables of a listening test: rows of its analysis as cells with the digits they deserve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reports.colours import Appearance
from reports.formatting import decimals_for, interval, number
from reports.tables import Cell, Column, Row, Table

Rows = Sequence[Mapping[str, Any]]
Looks = Mapping[str, Appearance]
ABSENT = Cell("\u2014", tone="absent")


def p_text(value: float | None) -> str:
    """``0.032``, ``< 0.001``, or an em dash."""
    return "\u2014" if value is None else "< 0.001" if value < 0.001 else number(value, 3)


def estimated(row: Mapping[str, Any], keys: tuple[str, str, str], decimals: int, signed: bool = False) -> Cell:
    """A value with its interval below."""
    mean, low, high = (row[key] for key in keys)
    if mean is None:
        return ABSENT
    held = low is not None and high is not None
    return Cell(number(mean, decimals, signed), interval(low, high, decimals, signed) if held else "no interval")


def decimals(rows: Rows, low: str = "low", high: str = "high") -> int:
    """Digits that the intervals warrant; two at least on short scales, as mean opinions are written, one on 0 to 100."""
    widths = [(row[high] - row[low]) / 2 for row in rows if row[low] is not None and row[high] is not None]
    long = any(abs(row["mean"]) > 10 for row in rows if row.get("mean") is not None)
    return max(1 if long else 2, decimals_for(widths) if widths else 0)


def table(
    caption: str,
    first: str,
    rows: Rows,
    columns: Mapping[str, Callable[[Mapping[str, Any]], Cell | str]],
    *,
    label: Callable[[Mapping[str, Any]], str],
    looks: Looks | None = None,
) -> Table:
    """Rows as cells: ``columns`` maps a heading to what it shows of a row."""
    made = Table(caption, first, [Column(name) for name in columns])
    for row in rows:
        name = label(row)
        cells = [
            cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in (show(row) for show in columns.values())
        ]
        look = (looks or {}).get(name)
        made.rows.append(Row(name, cells, slot=look.slot if look else None))
    return made

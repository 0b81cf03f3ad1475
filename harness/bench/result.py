"""What a measurement gives: a table, and sentences about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from ..latency.ratio import Ratio


@dataclass
class Result:
    """One measurement's.

    Attributes:
        name: of the measurement.
        title: of the table.
        rows: by column name; a value is a number, a word, a :class:`Ratio` or None.
        notes: sentences that belong below the table.
    """

    name: str
    title: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """With ratios as objects of ``ratio``, ``low`` and ``high``."""
        plain = [{k: v._asdict() if isinstance(v, Ratio) else v for k, v in row.items()} for row in self.rows]
        return asdict(self) | {"rows": plain}


def number(value: Any) -> str:
    """A cell: three digits that count, ratios with their interval."""
    if value is None:
        return "-"
    if isinstance(value, Ratio):
        spread = "" if value.low is None else f" ({value.low:.3g} to {value.high:.3g})"
        return f"{value.ratio:.3g}{spread}"
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def table_of(result: Result) -> Table:
    """For a terminal."""
    table = Table(title=result.title, title_justify="left")
    columns = list(dict.fromkeys(key for row in result.rows for key in row))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in result.rows:
        table.add_row(*(number(row.get(column)) for column in columns))
    return table


Tick = Callable[[str], None]
Rows = Sequence[Mapping[str, Any]]

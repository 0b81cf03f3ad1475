"""What the commands show on a terminal: bars and tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from harness.jobs.progress import tell

from .cells import cell_text

PIPED = 200  # columns of a table that goes into a file or a pipe


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal; yields what to call with (done, total), which tells of it too."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            tell(what, done, total)

        yield step


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table, a number with the digits it deserves."""
    output = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
    output.print(f"\n[bold]{title}[/bold]" if rows else f"\n[bold]{title}[/bold]: nothing yet")
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        numbers = any(_is_number(row[column]) for row in rows)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell_text(value, column) for column, value in row.items()))
    output.print(table)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

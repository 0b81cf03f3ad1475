"""Progress that a person can read on a terminal and in a log file alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def bar(shown: bool = True) -> Progress:
    """A rich progress bar on standard error; silent where that is no terminal, or not ``shown``."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, disable=not (shown and sys.stderr.isatty()), transient=True)


def track(items: Iterable[T], what: str, shown: bool = True, total: int | None = None) -> Iterator[T]:
    """Iterate with a bar; ``total`` where ``items`` has no length."""
    with bar(shown) as progress:
        yield from progress.track(items, description=what, total=total)


class LogLine:
    """Says a line at most every ``every_s`` seconds: for logs, where a bar would be noise."""

    def __init__(self, every_s: float = 20.0):
        self.every_s, self.last = every_s, 0.0

    def __call__(self, text: str) -> None:
        if time.monotonic() - self.last >= self.every_s:
            self.last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

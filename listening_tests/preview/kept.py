"""Walks under names that nobody can guess, for as long as somebody looks at them."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from .walk import Walk

KEPT = 16  # at once, all administrators together
LIFETIME_S = 3600.0  # since the last look


class Previews:
    """Safe between threads.

    Args:
        kept: the walk looked at least recently makes room for one more.
        lifetime_s: a walk that nobody looked at for so long is removed.
        clock: seconds, monotonic.
    """

    def __init__(
        self, *, kept: int = KEPT, lifetime_s: float = LIFETIME_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kept, self._lifetime_s, self._clock = kept, lifetime_s, clock
        self._walks: OrderedDict[str, tuple[Walk, float]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, walk: Walk) -> str:
        """Keep a walk; returns its name, 32 random characters."""
        name = secrets.token_urlsafe(24)
        with self._lock:
            self._walks[name] = walk, self._clock()
            gone = self._overdue()
            while len(self._walks) > self._kept:
                gone.append(self._walks.popitem(last=False)[1][0])
        for one in gone:
            one.close()
        return name

    def get(self, name: str) -> Walk | None:
        """The walk of that name, None where there is none any more."""
        with self._lock:
            gone = self._overdue()
            found = self._walks.get(name)
            if found is not None:
                self._walks[name] = found[0], self._clock()
                self._walks.move_to_end(name)
        for one in gone:
            one.close()
        return None if found is None else found[0]

    def close(self) -> None:
        """Remove all of them."""
        with self._lock:
            walks, self._walks = [walk for walk, _ in self._walks.values()], OrderedDict()
        for walk in walks:
            walk.close()

    def _overdue(self) -> list[Walk]:
        now = self._clock()
        names = [name for name, (_, seen) in self._walks.items() if now - seen > self._lifetime_s]
        return [self._walks.pop(name)[0] for name in names]

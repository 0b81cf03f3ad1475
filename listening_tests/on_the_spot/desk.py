"""Blind tests under way, each its visitor's own, in memory for as long as somebody may come back to it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .blind_test import BlindTest
from .errors import NoSuchTestError

KEPT_S = 2 * 3600
EACH = 3  # tests that a visitor has at once; an older one makes room
ALL = 64  # of everybody: some 3 MB each for 20 s


@dataclass(slots=True)
class _Entry:
    visitor: str
    test: BlindTest
    used: float


class Desk:
    """Keeps tests by id and answers only those whose they are. Safe between threads."""

    def __init__(self, *, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the least recently used first
        self._kept_s, self._clock, self._lock = kept_s, clock, threading.RLock()

    def put(self, visitor: str, test: BlindTest) -> dict[str, Any]:
        """Begin a test; its state with its ``id``."""
        with self._lock:
            self._forget()
            own = [name for name, entry in self._entries.items() if entry.visitor == visitor]
            for name in own[: len(own) - EACH + 1] if len(own) >= EACH else []:
                del self._entries[name]
            while len(self._entries) >= ALL:
                self._entries.popitem(last=False)
            name = secrets.token_urlsafe(18)
            self._entries[name] = _Entry(visitor, test, self._clock())
            return {"id": name, **test.state()}

    def state(self, visitor: str, name: str) -> dict[str, Any]:
        """Where a test stands.

        Raises:
            NoSuchTestError: not there, or another's.
        """
        with self._lock:
            return {"id": name, **self._find(visitor, name).state()}

    def answer(self, visitor: str, name: str, number: int, choice: str) -> dict[str, Any]:
        """Keep an answer; the state after it.

        Raises:
            BlindTestError: not an answer to this trial.
        """
        with self._lock:
            self._find(visitor, name).answer(number, choice)
            return self.state(visitor, name)

    def end(self, visitor: str, name: str) -> dict[str, Any]:
        """Stop a test and tell the names."""
        with self._lock:
            self._find(visitor, name).end()
            return self.state(visitor, name)

    def sound(self, visitor: str, token: str) -> bytes:
        """The WAV of a sound that one of the visitor's tests shows now.

        Raises:
            NoSuchTestError: there is none of that name.
        """
        with self._lock:
            self._forget()
            tests = [entry.test for entry in self._entries.values() if entry.visitor == visitor]
        for test in tests:
            try:
                return test.file(token)
            except NoSuchTestError:
                continue
        raise NoSuchTestError("no such sound; reload the page")

    def _find(self, visitor: str, name: str) -> BlindTest:
        self._forget()
        entry = self._entries.get(name)
        if entry is None or entry.visitor != visitor:
            raise NoSuchTestError("that blind test is over or was never yours; start a new one")
        entry.used = self._clock()
        self._entries.move_to_end(name)
        return entry.test

    def _forget(self) -> None:
        old = self._clock() - self._kept_s
        for name in [name for name, entry in self._entries.items() if entry.used < old]:
            del self._entries[name]

"""Work on a signal, done once a process: results kept by the content of the signals that they were had from."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

Result = TypeVar("Result")


class ContentCache(Generic[Result]):
    """The latest results of a computation, by what the computation was given.

    A reference is scored against by every system and seed; whatever depends on it alone is had once.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._results: OrderedDict[bytes, Result] = OrderedDict()
        self._lock = Lock()

    def get(self, signals: tuple[np.ndarray, ...], compute: Callable[[], Result], salt: str = "") -> Result:
        """The result for these signals, computed where it is not at hand.

        Args:
            signals: contiguous arrays; dtype, shape and bytes make the key.
            compute: called without arguments; its result must not be written to.
            salt: whatever else the result depends on.
        """
        key = content_key(signals, salt)
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        result = compute()
        with self._lock:
            self._results[key] = result
            while len(self._results) > self._kept:
                self._results.popitem(last=False)
        return result


def content_key(signals: tuple[np.ndarray, ...], salt: str = "") -> bytes:
    """16 bytes that no other signals or salt share."""
    digest = hashlib.blake2b(salt.encode(), digest_size=16)
    for signal in signals:
        digest.update(f"\0{signal.dtype.str}{signal.shape}\0".encode())
        digest.update(np.ascontiguousarray(signal).data)
    return digest.digest()

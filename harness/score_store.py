"""Scores by content: what was measured once, of this audio against this reference by this metric, is kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError

AT_ONCE = 500  # keys in one question; SQLite takes 32,766
SCHEMA = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID"


class ScoreStoreError(StreamflowError):
    """A file of kept scores that cannot be used."""


class ScoreStore:
    """Keeps JSON by key, durably: each :meth:`put` is one transaction.

    The key is the hash of everything that the content is true of, so nothing in here ever goes stale, and equal audio of
    two systems is measured once.

    Args:
        path: SQLite file; made when needed.

    Raises:
        ScoreStoreError: not such a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(SCHEMA)
        except sqlite3.Error as error:
            raise ScoreStoreError(f"{path}: not usable as kept scores ({error}); remove it to score again") from None

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """What is kept, of these keys."""
        wanted, found = list(keys), {}
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            question = f"SELECT key, content FROM kept WHERE key IN ({','.join('?' * len(some))})"
            found |= {key: json.loads(content) for key, content in self._ask(question, some)}
        return found

    def has(self, keys: Iterable[str]) -> set[str]:
        """Which of these keys are kept, without reading what they hold."""
        wanted, found = list(keys), set()
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            question = f"SELECT key FROM kept WHERE key IN ({','.join('?' * len(some))})"
            found |= {key for (key,) in self._ask(question, some)}
        return found

    def _ask(self, question: str, keys: list[str]) -> list[tuple]:
        try:
            return self._connection.execute(question, keys).fetchall()
        except sqlite3.Error as error:
            raise ScoreStoreError(f"{self._path}: damaged ({error}); remove it to score again") from None

    def put(self, content: Mapping[str, Any]) -> None:
        """Keep, all or nothing.

        Raises:
            OSError: the disk is full, or the file cannot be written.
        """
        rows = [(key, json.dumps(value, ensure_ascii=False)) for key, value in content.items()]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise _os_error(error, self._path) from error

    def close(self) -> None:
        self._connection.close()


def _os_error(error: sqlite3.Error, path: Path) -> OSError:
    import errno

    full = error.sqlite_errorcode == sqlite3.SQLITE_FULL if hasattr(error, "sqlite_errorcode") else False
    return OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path))

"""A connection to the ratings: SQLite by default, PostgreSQL by URL, with the same promises.

A transaction that :meth:`Database.write` has ended is on the disk: SQLite in WAL mode with ``synchronous=FULL`` (the default
NORMAL may lose the last commits of a WAL when the power fails), PostgreSQL with ``synchronous_commit`` switched on.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import StudyError
from .errors import StoreUnavailable
from .migrate import migrate

Result = TypeVar("Result")

ATTEMPTS = 5
BUSY_S = 10.0  # how long a writer waits for others (SQLite); less than the listener's page waits for a reply
POOL, MORE = 10, 30  # connections kept, and more under load
TRANSIENT = ("40001", "40P01")  # SQLSTATE: serialisation failure, deadlock


class Database:
    """Transactions on one database. Safe to share between threads."""

    def __init__(self, url: str | Path) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # Writers of this process queue here in order; SQLite's own waiting sleeps and retries, so some would starve.
        self._turn = threading.Lock()
        self._engine = _make_engine(self.url)
        self._writing = self._engine.execution_options(writes=True)
        try:
            self.write(migrate)
        except DBAPIError as error:  # no such folder or database, a wrong password, a file that is something else
            raise self._unavailable(error) from None

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in a transaction that changes nothing.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        return self._attempt(self._engine, work)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in a transaction and return once it is on the disk. It may run more than once, so it must be
        a function of the database alone.

        Raises:
            StoreUnavailable: the database did not answer; whether the work was done is not known.
        """
        if not self.is_sqlite:
            return self._attempt(self._writing, work)
        if not self._turn.acquire(timeout=BUSY_S):  # a file that stays locked must not hold every thread of the server
            raise self._unavailable(TimeoutError("too many wait to write"))
        try:
            return self._attempt(self._writing, work)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _attempt(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        began = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeout) as error:
                passing = _may_pass(error)
                if not passing and not isinstance(error, OperationalError):
                    raise
                late = attempt == ATTEMPTS or time.monotonic() - began >= BUSY_S
                if not passing or late:  # such as a full disk: the listener's page tries again later
                    raise self._unavailable(error) from None
                time.sleep(0.02 * 2**attempt * random.random())
        raise AssertionError("the loop returns or raises")

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        # SQLAlchemy writes *** for a password
        url, reason = self.url.render_as_string(), " ".join(str(getattr(error, "orig", None) or error).split())[:120]
        return StoreUnavailable(
            f"the database {url} does not answer ({reason}); see that it is there and runs, then try again"
        )


def parse_url(url: str | Path) -> URL:
    """A SQLAlchemy URL; a bare path is a SQLite file, and ``postgresql://`` means the driver that is installed.

    Raises:
        StudyError: not a URL, or a database that is not supported.
    """
    text = str(url)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        parsed = make_url(text)
    except ArgumentError:
        raise StudyError(
            "--database is not a URL; write sqlite:///file or postgresql+pg8000://user@host/name"
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+pg8000")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StudyError(f"--database {parsed.drivername} is not supported; use sqlite:/// or postgresql+pg8000://")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StudyError("a database in memory would lose every rating; give a file: sqlite:///ratings.sqlite")
    return parsed


def dumps(content: Any) -> str:
    """JSON as both databases take it: no NaN, and no character outside ASCII that an encoding could refuse."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _make_engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_S, "check_same_thread": False}} if sqlite else {}
    try:
        engine = create_engine(
            url, json_serializer=dumps, pool_size=POOL, max_overflow=MORE, pool_pre_ping=not sqlite, **options
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StudyError(f"--database {url.drivername}: no such driver ({error}); use postgresql+pg8000://") from None
    event.listen(engine, "connect", _prepare_sqlite if sqlite else _prepare_postgresql)
    if sqlite:
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not guessed by the driver
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock first: what a writer has read cannot change before it writes
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = on")  # a server may have it off for speed
    cursor.close()
    connection.commit()


def _may_pass(error: Exception) -> bool:
    """Whether the same transaction may succeed later: a lost connection, a deadlock, a locked file."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    detail = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    if isinstance(detail, dict):  # pg8000 gives the server's fields: C is the SQLSTATE, 57P0x a server that stops
        code = str(detail.get("C", ""))
        return code in TRANSIENT or code.startswith(("57P0", "08"))
    return isinstance(error, OperationalError) and "locked" in str(detail)

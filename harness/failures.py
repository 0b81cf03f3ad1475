"""Failures as rows: one bad file or decoder never costs the others, a full disk ends the run with a clear line."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Literal

from streamflow.errors import StreamflowError

logger = logging.getLogger(__name__)

Stage = Literal["load", "tokenize", "embed", "decode", "score", "write"]
MAX_LENGTH = 400  # characters of an error; tracebacks and arrays in messages would drown a table
OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskFullError(StreamflowError):
    """Nothing more can be written; the run ends, and what was finished stays good."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of ``failures.parquet``: what was lost, at which stage, and why in one line."""

    system: str
    utterance: str
    stage: str
    error: str

    def row(self) -> dict[str, str]:
        """As the table holds it."""
        return asdict(self)


@dataclass(slots=True)
class Attempt:
    """What :meth:`FailureLog.catch` yields; ``failed`` is True after its block has raised."""

    failed: bool = False


@dataclass
class FailureLog:
    """The failures of one start of a run, in order."""

    rows: list[Failure] = field(default_factory=list)

    @contextmanager
    def catch(self, systems: str | Iterable[str], utterance: str, stage: Stage) -> Iterator[Attempt]:
        """Turn an exception of the block into a row for each system that it keeps from the utterance.

        A full disk and Ctrl-C pass through.

        Raises:
            DiskFullError: the block ran out of space.
        """
        attempt = Attempt()
        try:
            yield attempt
        except Exception as error:
            raise_if_disk_full(error)
            logger.debug("%s: %s of %s failed", systems, stage, utterance, exc_info=True)
            attempt.failed = True
            names = [systems] if isinstance(systems, str) else systems
            self.rows.extend(Failure(name, utterance, stage, one_line(error)) for name in names)


def one_line(error: BaseException) -> str:
    """The message of an error in one line; with its type unless the message was written for people."""
    text = " ".join(str(error).split())
    if not isinstance(error, StreamflowError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def raise_if_disk_full(error: BaseException) -> None:
    """Raise DiskFullError when an error, or one that it came from, is a lack of space (or quota, or file size)."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DiskFullError):
            raise seen
        if isinstance(seen, OSError) and seen.errno in OUT_OF_SPACE:
            where = f" while writing {seen.filename}" if seen.filename else ""
            raise DiskFullError(
                f"no space left{where} ({seen.strerror}): free some space and give the same command again; "
                "what is finished is kept"
            ) from error
        seen = seen.__cause__ or seen.__context__

"""How much one server decodes live: lengths, numbers at once, lifetimes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from .errors import LiveError

VARIABLE = "STREAMFLOW_LIVE_DECODES"
SPARE = 2  # cores that a second decode leaves to the server, its listeners and the browser


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decodes_at_once() -> int:
    """What STREAMFLOW_LIVE_DECODES says; else two where that leaves cores for all else, and one below.

    Two decodes on two cores count each other's work, and the server's, in the latencies that they measure.

    Raises:
        LiveError: not a number from 1 to 16.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return 2 if cores() >= 2 + SPARE else 1
    if not text.isdecimal() or not 1 <= int(text) <= 16:
        raise LiveError(f"{VARIABLE}={text}: give a number from 1 to 16")
    return int(text)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of live decoding.

    Attributes:
        min_seconds, max_seconds: of a recording.
        max_systems: in one view.
        running: decodes at once, see :func:`decodes_at_once`; the cores are shared out among them.
        queued_per_visitor: jobs that one browser may have waiting or running.
        kept_s: how long a finished job and an upload are kept after they were last used, seconds.
        kept_per_visitor: finished jobs of one browser.
        kept_mb: of all finished jobs and uploads together, 10^6 bytes; the oldest jobs go first, then the oldest uploads.
        worker_mb: address space of a decoding process, 10^6 bytes.
        job_s: a job that takes longer is ended.
        upload_bytes: of a file.
        uploads_per_visitor: decoded recordings of one browser; the oldest goes first.
        upload_s: seconds that decoding an upload may take.
        niceness: of decoding processes, so that the listeners' pages come first (nice(2)).
        threads: of each decoding process; 0 shares the cores out.
    """

    min_seconds: float = 0.5
    max_seconds: float = 20.0
    max_systems: int = 8
    running: int = field(default_factory=decodes_at_once)
    queued_per_visitor: int = 3
    kept_s: float = 1800.0
    kept_per_visitor: int = 4
    kept_mb: float = 512.0
    worker_mb: float = 4000.0
    job_s: float = 900.0
    upload_bytes: int = 20_000_000
    uploads_per_visitor: int = 4
    upload_s: float = 30.0
    niceness: int = 5
    threads: int = 0

    @property
    def threads_each(self) -> int:
        """Threads of one decoding process."""
        return self.threads or max(1, cores() // max(1, self.running))

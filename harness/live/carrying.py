"""One job carried through a decoding process, watched from the server: what it tells is passed on, and its end seen to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import events
from .job import Job
from .limits import Limits
from .process import DecodingProcess, ProcessOverError
from .wire import DONE, KEEP, KIND, LOADING, READY, TOTAL

GRACE_S = 0.7  # that a cancelled decode has to end by itself, before its process is ended
TICK_S = 0.1

Beside = Callable[[], tuple[int, int]]
"""How many jobs run in the background of this machine, and how many other live decodes."""


def carry(job: Job, process: DecodingProcess, limits: Limits, beside: Beside) -> None:
    """Wait for the process, give it the job, and tell the job all that comes of it, until its end.

    Args:
        job: one that nobody else tells anything meanwhile but its cancellation.
        process: idle, or still loading.
        limits: of the time that it may take.
        beside: asked whenever a system begins or is done, as its latencies count what else this machine does.

    Raises:
        ProcessOverError: the process has ended, or has to be.
    """
    _await(process, job, limits.job_s)
    if not job.ended:
        process.give(job.id, job.task)
        _pass_on(job, process, limits.job_s, _Company(job, beside))


def _await(process: DecodingProcess, job: Job, longest_s: float) -> None:
    """Wait until a process has loaded: a recording given before would fill the pipe, and no one could cancel.

    Raises:
        ProcessOverError: the process has ended, or takes too long.
    """
    began = time.monotonic()
    if not process.ready:
        job.tell(events.event(events.PROGRESS, stage=events.START, done=0, total=1))
    while not process.ready and not job.ended:
        message = process.listen(TICK_S)
        if message is not None and message[KIND] == LOADING:
            told = {"done": message[DONE], "total": message[TOTAL]}
            job.tell(events.event(events.PROGRESS, stage=events.START, **told))
        if job.cancelled.is_set():
            job.tell(events.event(events.CANCELLED))
        if time.monotonic() - began > longest_s:
            raise ProcessOverError(f"took longer than {longest_s:g} s to begin")


def _pass_on(job: Job, process: DecodingProcess, longest_s: float, company: _Company) -> None:
    """Pass a process's messages on until its job has ended.

    Raises:
        ProcessOverError: the process has ended, or had to be.
    """
    began, cancelled_at = time.monotonic(), None
    while not job.ended:
        if job.cancelled.is_set() and cancelled_at is None:
            cancelled_at = time.monotonic()
            process.cancel(job.id)
        if cancelled_at is not None and time.monotonic() - cancelled_at > GRACE_S:
            raise ProcessOverError("cancelled")
        if time.monotonic() - began > longest_s:
            raise ProcessOverError(f"took longer than {longest_s:g} s")
        message = process.listen(TICK_S)
        if message is None or message[KIND] == READY:
            continue
        if message[KIND] == KEEP:
            job.keep(message)
            continue
        if message[KIND] in (events.SYSTEM, events.RENDERED):
            company.look()
        job.tell(message)


class _Company:
    """What else the machine does, told when it changes; at first nothing is taken to."""

    def __init__(self, job: Job, beside: Beside) -> None:
        self._job, self._beside, self._last = job, beside, (0, 0)

    def look(self) -> None:
        if (now := self._beside()) != self._last:
            self._last = now
            told: dict[str, Any] = dict(zip(("jobs", "decodes"), now, strict=True))
            self._job.tell(events.event(events.BESIDE, **told))

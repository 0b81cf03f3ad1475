"""Processes that carry out work which may crash or hang: a metric's C code costs one step, never the run.

Each worker is a program of its own (``python -m harness.workers``), not a fork: torch's threads do not survive one, and
a caller's ``__main__`` need not be importable. Before each step a worker says which it begins, so that whoever watches
knows what a crash or an overrun belongs to.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

BEGIN, RESULT, END, BROKEN = "begin", "result", "end", "broken"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
START_S = 600.0  # a worker has to import what it needs; a machine under load takes its time
FIRST_S = 60.0  # a step may have a model to load at its first time
PR_SET_PDEATHSIG = 1  # prctl(2)


class Event(NamedTuple):
    """What came of a task.

    Attributes:
        task: the object that was given.
        kind: ``result`` with ``content``; ``end``; or ``broken``, where ``step`` says in what and ``content`` how. After
            ``broken`` no more comes of the task.
        step: the step that was begun last, "" before the first.
        content: of a result.
    """

    task: Any
    kind: str
    step: str = ""
    content: Any = None


class Worker:
    """One process, with a pipe to it.

    Args:
        function: ``module:attribute`` of a generator function of a task, which yields ``("begin", step)`` and
            ``("result", content)``.

    Attributes:
        task: what it is at, or None.
        last: what it was given last.
    """

    def __init__(self, function: str) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-m", "harness.workers", function, str(theirs.fileno())]
        # a session of its own: Ctrl-C is for the process that started it, which then ends it
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.task: Any = None
        self.last: Any = None
        self._step, self._since = "", 0.0
        self._begun: set[str] = set()  # steps; "" once anything was heard
        self._allowance = START_S

    @property
    def pipe(self) -> Connection:
        return self._pipe

    def give(self, task: Any) -> None:
        """Hand a task over; the worker has none."""
        self.task = self.last = task
        self._step, self._since = "", time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # noticed when it is listened to
            self._pipe.send(task)

    def left_s(self, limit_s: float) -> float:
        """Seconds until the present step has taken too long."""
        return limit_s + self._allowance - (time.monotonic() - self._since)

    def listen(self, first_s: float) -> Event | None:
        """What the worker has said; None for what only this class needs to know."""
        try:
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            return self._over(f"took its process down ({self._death()})")
        self._since, self._allowance = time.monotonic(), 0.0
        if kind == BEGIN:
            self._step = content
            self._allowance = 0.0 if content in self._begun else first_s
            self._begun.add(content)
            return None
        if kind in (END, BROKEN):
            task, self.task = self.task, None
            return Event(task, kind, self._step, content)
        return Event(self.task, kind, self._step, content)

    def overrun(self, limit_s: float) -> Event:
        """End a worker whose step took too long."""
        return self._over(f"took longer than {limit_s:g} s")

    def _over(self, how: str) -> Event:
        event = Event(self.task, BROKEN, self._step, how)
        self.close()
        self.task = None
        return event

    def _death(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def close(self) -> None:
        """End the process, whatever it does."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()


def work(
    function: str, next_task: Callable[[Any], Any], workers: int, limit_s: float, first_s: float = FIRST_S
) -> Iterator[Event]:
    """Keep workers busy and yield what comes of their tasks.

    Args:
        function: as of :class:`Worker`.
        next_task: given the task that a worker did last (None at first), the next for it, or None when there is none
            left. Asked again after every ``end`` and ``broken``, so what was left of a broken task may be given out anew.
        workers: processes at most.
        limit_s: seconds that a step may take.
        first_s: seconds more that a worker gets for a step that it has not done before.
    """
    idle: list[Worker] = []
    busy: list[Worker] = []
    try:
        while True:
            while len(busy) < workers:
                task = next_task(idle[-1].last if idle else None)
                if task is None:
                    break
                worker = idle.pop() if idle else Worker(function)
                worker.give(task)
                busy.append(worker)
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy], max(0.0, min(worker.left_s(limit_s) for worker in busy)))
            for worker in list(busy):
                if worker.pipe in ready:
                    event = worker.listen(first_s)
                elif worker.left_s(limit_s) <= 0:
                    event = worker.overrun(limit_s)
                else:
                    continue
                if event is None:
                    continue
                if worker.task is None:
                    busy.remove(worker)
                    if not worker.pipe.closed:
                        idle.append(worker)
                yield event
    finally:
        for worker in [*idle, *busy]:
            worker.close()


def main(function: str, descriptor: int) -> None:
    """The worker's side: take tasks until the pipe closes, or, in the middle of one, the parent is gone."""
    with contextlib.suppress(
        OSError, AttributeError
    ):  # elsewhere than on Linux a hanging step outlives a killed parent
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    pipe = Connection(descriptor)
    module, _, attribute = function.partition(":")
    steps = getattr(importlib.import_module(module), attribute)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task = pipe.recv()
            try:
                for message in steps(task):
                    pipe.send(message)
                pipe.send((END, None))
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:
                pipe.send((BROKEN, f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

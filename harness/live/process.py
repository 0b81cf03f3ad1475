"""A decoding process as the server holds it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import wire
from .limits import Limits
from .tasks import Task
from .wire import CANCEL, JOB, KIND, READY, TASK

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ROOT = Path(__file__).resolve().parents[2]


class ProcessOverError(Exception):
    """The process has ended; the message says how."""


class DecodingProcess:
    """One process and its pipe. One thread gives and listens, any may cancel.

    Started by a thread that lives as long as it shall: the kernel ends it with that thread (PR_SET_PDEATHSIG).

    Attributes:
        ready: it has said that it reads. What is sent before that fills the pipe, and whoever sends more waits.
    """

    def __init__(self, limits: Limits) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._sending = threading.Lock()
        bounds = {"niceness": limits.niceness, "worker_mb": limits.worker_mb, "threads": limits.threads_each}
        environment = {**os.environ, **dict.fromkeys(THREADS, str(limits.threads_each))}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        command = [sys.executable, "-m", "harness.live.worker", str(theirs.fileno()), json.dumps(bounds)]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.used_at = time.monotonic()
        self.ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def give(self, job: str, task: Task) -> None:
        """Hand a job over, under its id.

        Raises:
            ProcessOverError: it has ended.
        """
        self.used_at = time.monotonic()
        try:
            self._send({KIND: TASK, JOB: job, TASK: task.table()})
        except OSError:
            raise ProcessOverError(self._death()) from None

    def cancel(self, job: str) -> None:
        """Ask it to end this job if it is at it; it then tells so."""
        with contextlib.suppress(OSError, ValueError):
            self._send({KIND: CANCEL, JOB: job})

    def listen(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or None where none comes in time.

        Raises:
            ProcessOverError: it has ended.
        """
        try:
            message = wire.receive(self._pipe) if self._pipe.poll(seconds) else None
        except (EOFError, OSError, ValueError):
            raise ProcessOverError(self._death()) from None
        self.ready = self.ready or (message is not None and message[KIND] == READY)
        return message

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._pipe.close()

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            wire.send(self._pipe, message)

    def _death(self) -> str:
        try:
            code = self._process.wait(5.0)
        except subprocess.TimeoutExpired:  # it has closed its pipe, but goes on
            self._process.kill()
            code = self._process.wait()
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"exit code {code}"

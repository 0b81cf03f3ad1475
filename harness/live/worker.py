"""The program that decodes: ``python -m harness.live.worker DESCRIPTOR LIMITS``.

It takes tasks from a pipe and answers with events. A thread of its own listens for a cancellation meanwhile. It gives way
to the server.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..priority import step_back

PR_SET_PDEATHSIG = 1  # prctl(2)
OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_GO = "900"  # of 1000: where memory runs out, this process goes and not the server


def give_way(niceness: int, memory_mb: float) -> None:
    """Let others go first, and take no more memory than was granted."""
    with contextlib.suppress(OSError, AttributeError):  # elsewhere than on Linux the closed pipe ends it instead
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    step_back(niceness)
    with contextlib.suppress(OSError):
        OOM_SCORE.write_text(FIRST_TO_GO)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_mb * 1e6), int(memory_mb * 1e6)))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


LOADED = ("torch", "pyloudnorm", "pyworld", "streamflow.strategies", "harness.metrics", "scipy.signal")


def preload(tell: Callable[[dict[str, Any]], None]) -> None:
    """Import what every job needs: a process is started when somebody looks at the page, before there is a job."""
    from .wire import DONE, KIND, LOADING, TOTAL

    for done, name in enumerate(LOADED):
        tell({KIND: LOADING, DONE: done, TOTAL: len(LOADED)})
        importlib.import_module(name)


def main(descriptor: int, limits: dict[str, Any]) -> None:
    """Take tasks until the pipe closes."""
    give_way(limits["niceness"], limits["worker_mb"])
    from .wire import CANCEL, JOB, KIND, READY, TASK, receive, send

    pipe, speaking = Connection(descriptor), threading.Lock()
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def tell(message: dict[str, Any]) -> None:
        with speaking:
            try:
                send(pipe, message)
            except OSError:  # the server is gone
                os._exit(0)

    preload(tell)
    import torch

    from .decoding import Decoder
    from .tasks import Task

    torch.set_num_threads(limits["threads"])
    decoder = Decoder(tell)

    def listen() -> None:
        job = None
        while True:
            try:
                message = receive(pipe)
            except (EOFError, OSError):
                os._exit(0)  # with a decode in the middle, too
            if message[KIND] == CANCEL:
                if message[JOB] == job:  # not one that has ended meanwhile
                    decoder.cancel()
            else:
                job = message[JOB]
                decoder.cancelled.clear()
                tasks.put(message)

    threading.Thread(target=listen, daemon=True).start()
    tell({KIND: READY})
    while True:
        decoder.carry_out(Task(**tasks.get()[TASK]))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))

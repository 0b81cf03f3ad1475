"""The process that looks after one job: starts the verb, waits, says how it ended, and lets the next job begin.

``python -m harness.jobs.supervise FOLDER``. It leads a session of its own, so that nothing that happens to the server or
its terminal reaches the job; SIGTERM to it stops the verb as Ctrl-C would, and after a while by force.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.priority import step_back
from harness.storage import read_json, write_json

from .job import JobFolder
from .process import identity
from .progress import VARIABLE

PROJECT = Path(__file__).resolve().parent.parent.parent
NICENESS = 10  # of jobs; live decodes, for which somebody waits, have less
SECRETS = ("STREAMFLOW_PASSWORD",)


def supervise(folder: JobFolder) -> None:
    """Carry out a job that nobody else carries out.

    Raises:
        KeyError, TypeError: no job there.
    """
    wanted: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: wanted.append(time.monotonic()))
    with (folder.path / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if folder.end.exists():
            return
        order = read_json(folder.order)
        write_json(folder.running, {"process": identity(os.getpid()), "at": time.time()})
        _carry_out(folder, order, wanted)
    from .queue import Jobs

    Jobs(folder.path.parent, running=order["running"]).advance()


def _carry_out(folder: JobFolder, order: dict[str, Any], wanted: list[float]) -> None:
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's `&` has it ignored, and the verb would inherit that
    verb: list[subprocess.Popen[bytes]] = []
    step_back(NICENESS)
    with folder.log.open("ab") as log:
        try:
            verb.append(_start(folder, order, log))
        except OSError as error:  # such as a working folder that is gone
            log.write(f"error: {error.filename}: {error.strerror}; start it again from the page\n".encode())
            folder.end_with(None, time.time())
            return
    write_json(folder.verb, {"process": identity(verb[0].pid)})
    folder.end_with(_wait(verb[0], wanted, order["grace_s"]), time.time())


def _start(folder: JobFolder, order: dict[str, Any], log: Any) -> subprocess.Popen[bytes]:
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *order["argv"]],
        cwd=order["cwd"],
        env=kept
        | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", VARIABLE: str(folder.progress.resolve())},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        process_group=0,  # one signal reaches the processes that score, too
    )


def _wait(verb: subprocess.Popen[bytes], wanted: list[float], grace_s: float) -> int:
    """Wait for the verb; once it is wanted stopped, interrupt it, and after a while kill it with all it started."""
    told = False
    while True:
        try:
            return verb.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            pass
        if wanted and not told:
            told = True
            os.killpg(verb.pid, signal.SIGINT)
        elif wanted and time.monotonic() > wanted[0] + grace_s:
            os.killpg(verb.pid, signal.SIGKILL)


if __name__ == "__main__":
    supervise(JobFolder(Path(sys.argv[1])))

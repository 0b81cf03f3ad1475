"""The service as a process of its own, on a free port of the loopback interface."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ..errors import StudyError

START_S = 900.0  # a job in the background yields to everything else


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def service_process(folder: Path, *, speed: float = 1.0, database: str | None = None) -> Iterator[str]:
    """Serve one study until the block ends; yields the address.

    Raises:
        StudyError: it does not answer within START_S, or ends at once.
    """
    port = free_port()
    command = [sys.executable, "-m", "listening_tests.serve", "--study", str(folder), "--port", str(port)]
    command += ["--speed", str(speed)] + (["--database", database] if database else [])
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def _wait(process: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = (process.stderr.read() if process.stderr else "").strip().splitlines()
            raise StudyError(f"the service ended at once ({said[-1] if said else 'no message'}); see serve --help")
        try:
            httpx.get(address + "/api/studies/none", timeout=10.0)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise StudyError(f"the service did not answer within {START_S:.0f} s; give the command again on a quieter machine")

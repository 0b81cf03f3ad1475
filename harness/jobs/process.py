"""Processes told apart from those that got their number later, and put behind everything else on the machine."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

IDENTITY = re.compile(r"[0-9a-f-]+/[0-9]{1,10}/[0-9]+")


def identity(pid: int) -> str | None:
    """What no other process has: boot, number and start time; None where there is none, or only its exit code is left."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}/{pid}/{fields[19]}"


def lives(process: str | None) -> bool:
    """Whether the process of an :func:`identity` is still there; what is no identity is of none."""
    return process is not None and bool(IDENTITY.fullmatch(process)) and identity(number(process)) == process


def number(process: str) -> int:
    """The process's number."""
    return int(process.split("/")[1])


def send(process: str, what: signal.Signals, *, group: bool = False) -> None:
    """Send a signal to a process, or to all of its group; nothing where it is gone."""
    if lives(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if group else os.kill)(number(process), what)

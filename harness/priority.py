"""Who goes first on the processor: the process that answers people, and what works beside it steps back.

Niceness shares the processor out over time, but on waking up a process still waits until whoever runs has had its slice
(3 ms and more), and an answer wakes up many times. A process that asks for a shorter slice gets no more time, and gets it
sooner: Linux 6.12's scheduler (EEVDF) lets it run at once. See sched_setattr(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from pathlib import Path

SLICE_NS = 100_000  # the shortest that the kernel grants
NUMBERS = {"x86_64": 314, "aarch64": 274}  # of the system call, which the C library has no function for
SCHED_OTHER = 0
AUTOGROUP = Path("/proc/self/autogroup")


class SchedAttr(ctypes.Structure):
    """``struct sched_attr`` of sched_setattr(2), in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def take_short_turns() -> bool:
    """Ask for short slices for this thread and for the threads and processes that it starts; its niceness stays.

    Returns:
        whether the kernel granted it. An older one, or another system, serves as before.
    """
    return _take(SLICE_NS)


def step_back(niceness: int) -> None:
    """Let everything else on this machine go first, and give back short turns that were inherited.

    A process that leads a session is scheduled with the others of it as one group, and its niceness counts within that
    only (sched(7), autogroup): the group has a niceness of its own.
    """
    with contextlib.suppress(OSError):
        os.nice(niceness)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness))
    _take(0)


def _take(slice_ns: int) -> bool:
    number = NUMBERS.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return False
    asked = SchedAttr(
        size=ctypes.sizeof(SchedAttr), policy=SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=slice_ns
    )
    with contextlib.suppress(OSError, AttributeError):
        return ctypes.CDLL(None, use_errno=True).syscall(number, 0, ctypes.byref(asked), 0) == 0
    return False

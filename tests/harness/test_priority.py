"""Who goes first on the processor, as the kernel itself tells it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCHED = Path("/proc/self/sched")
SLICE = r"se\.slice\s*:\s*(\d+)"
TOLD = """
import os, sys
from pathlib import Path
from harness.priority import step_back, take_short_turns
granted = take_short_turns()
print(granted, os.getpriority(os.PRIO_PROCESS, 0), flush=True)
print(Path("/proc/self/sched").read_text(), flush=True)
if os.fork() == 0:
    step_back(7)
    print("child", os.getpriority(os.PRIO_PROCESS, 0), flush=True)
    print(Path("/proc/self/sched").read_text(), flush=True)
    os._exit(0)
os.wait()
"""

pytestmark = pytest.mark.skipif(
    not SCHED.exists() or not re.search(SLICE, SCHED.read_text()),
    reason="this kernel does not tell the length of a turn",
)


def test_a_server_has_short_turns_and_what_it_starts_steps_back_from_them() -> None:
    usual = int(re.search(SLICE, SCHED.read_text()).group(1))
    told = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=True, timeout=120).stdout
    own, child = told.split("child", 1)
    granted, niceness = own.split()[:2]
    short, back = (int(re.search(SLICE, text).group(1)) for text in (own, child))
    assert granted == "True" and short < usual == back
    assert int(child.split()[0]) == int(niceness) + 7

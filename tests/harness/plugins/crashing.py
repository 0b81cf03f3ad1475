"""A scorer that takes its process down, as a fault in a metric's C code would."""

from __future__ import annotations

import os
import signal

from harness.scoring import ScoreResult, ScoreTask


def crash_on_second(task: ScoreTask) -> ScoreResult:
    if task.utterance == "u2":
        os.kill(os.getpid(), signal.SIGSEGV)
    return ScoreResult(task, scores=[{"metric": "pid", "identity": "pid", "value": os.getpid()}])

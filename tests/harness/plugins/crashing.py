"""Metrics that do what a fault in C code does: take their process down, hang, raise."""

from __future__ import annotations

import os
import signal
import threading

from harness.metrics import Metric, Pair


def crash(pair: Pair) -> float:
    """On a rendering that peaks above 0.9 only."""
    if abs(pair.whole_degraded).max() > 0.9:
        os.kill(os.getpid(), signal.SIGSEGV)
    return 1.0


def hang(pair: Pair) -> float:
    if abs(pair.whole_degraded).max() > 0.9:
        threading.Event().wait()
    return 1.0


def fail(pair: Pair) -> float:
    raise RuntimeError("no such\nluck")


def process(pair: Pair) -> float:
    return float(os.getpid())


def metric(function) -> Metric:
    return Metric(function.__name__, "", "", "tests", function, "")


CRASH, HANG, FAIL, PROCESS = map(metric, (crash, hang, fail, process))

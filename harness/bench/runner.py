"""Carry out measurements one after another; what is done is there even if the rest never is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..failures import one_line
from ..provenance import code_sha256, hardware, torch_version
from .bench_context import Context
from .registry import Measurement
from .result import Result


@dataclass
class Report:
    """What a benchmark measured.

    Attributes:
        machine: processor, cores, threads.
        device: that decoded.
        load_average: of the machine, over the minute before and the minute after.
        results: one a measurement that was finished.
        failures: by name of those that could not be, why.
        interrupted: Ctrl-C ended it.
    """

    machine: dict[str, Any]
    device: str
    load_average: list[float] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """All of it, and the code and torch that it was measured with."""
        return {
            "machine": self.machine,
            "device": self.device,
            "load_average": self.load_average,
            "code": code_sha256(),
            "torch": torch_version(),
            "interrupted": self.interrupted,
            "failures": self.failures,
            "results": {result.name: result.as_json() for result in self.results},
        }


def carry_out(
    measurements: Sequence[Measurement],
    context: Context,
    done: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Measure; a measurement that fails does not keep the others from being made.

    Args:
        measurements: in this order.
        context: their means.
        done: told each result as soon as it is there.
    """
    report = Report(hardware(), context.bundle.device.type, [os.getloadavg()[0]])
    try:
        for measurement in measurements:
            try:
                result = measurement.measure(context)
            except Exception as error:
                report.failures[measurement.name] = one_line(error)
                continue
            report.results.append(result)
            done(result)
    except KeyboardInterrupt:
        report.interrupted = True
    report.load_average.append(os.getloadavg()[0])
    return report


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Give torch so many threads meanwhile; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)

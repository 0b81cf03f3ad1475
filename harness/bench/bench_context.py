"""What every measurement is given: weights, systems, how much to measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from streamflow.checkpoints import Bundle
from streamflow.strategies.base import MadeSystem

from .entries import Entry
from .parking import Parked, park
from .result import Tick
from .turns import Clock
from .workload import Workload


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Attributes:
        rounds: A-B-B-A rounds of each comparison.
        length_s: of the utterances that are decoded whole.
        histories_s: at which a chunk's cost is measured.
        budget_s: that one arm of a comparison may take before it sits out rounds.
        stream_s: of streams in real time.
        most_streams: at which the search ends.
    """

    rounds: int = 5
    length_s: float = 6.0
    histories_s: tuple[float, ...] = (5.0, 15.0, 60.0)
    budget_s: float = 15.0
    stream_s: float = 5.0
    most_streams: int = 16


QUICK = Effort(rounds=3, length_s=2.4, histories_s=(5.0, 15.0), budget_s=4.0, stream_s=3.0, most_streams=4)
LONG = Effort(rounds=8, histories_s=(5.0, 15.0, 60.0, 300.0), budget_s=60.0, stream_s=10.0, most_streams=64)


@dataclass
class Context:
    """A benchmark's means.

    Attributes:
        bundle: the weights.
        entries: the systems.
        effort: how much.
        clock: seconds; another one than the wall's in tests.
        tick: told what is being done, before it is done.
    """

    bundle: Bundle
    entries: tuple[Entry, ...]
    effort: Effort = field(default_factory=Effort)
    clock: Clock = time.perf_counter
    tick: Tick = lambda what: None

    @cached_property
    def workload(self) -> Workload:
        """Tokens for this bundle."""
        return Workload(self.bundle)

    @cached_property
    def systems(self) -> dict[str, MadeSystem]:
        """By label."""
        return {entry.label: entry.system(self.bundle) for entry in self.entries}

    @property
    def streaming(self) -> list[Entry]:
        """Those that emit before the utterance ends."""
        return [entry for entry in self.entries if entry.plan(self.bundle).hop_frames is not None]

    def parked(self, entry: Entry, history_s: float, open_session: Callable | None = None) -> Parked:
        """A session of a streaming entry after so much history."""
        self.tick(f"{entry.label}: {history_s:g} s of history")
        plan = entry.plan(self.bundle)
        opened = open_session or entry.system(self.bundle)
        return park(opened, self.workload, history_s, plan.hop_frames, plan.lookahead_frames or 0)

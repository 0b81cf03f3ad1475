"""Streams of one decoder advance together: windows that are ready at the same time are solved in one batch.

Every session runs in a thread of its caller's, as before, and knows nothing of the others. A window that comes while a
batch is being solved waits for the next one, so a lone stream never waits, and the more streams there are the larger the
batches grow. New streams join between hops. Products are of all rows; where a past enters by its keys and values, each
stream attends to its own, however long.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor

from .batch_windows import Window, groups
from .checkpoints import Bundle
from .decoding import CancelledError, Evaluator, Plan
from .errors import StrategyError
from .strategies import parameters_of_strategy, plan_of_strategy
from .strategies.base import MadeSystem, flow_system

WIDEST = 32  # windows in a batch; above it the matrix products gain nothing on any processor we have


@dataclass(eq=False)
class _Job:
    """A window, whose stream waits for its mel."""

    window: Window
    check: Callable[[], None]
    mel: Tensor | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.mel is not None or self.error is not None


@dataclass
class Batcher:
    """Collects windows from the threads of many sessions and solves them together.

    Attributes:
        evaluator: of the decoder that all of them share.
        widest: windows in a batch at most.
        sizes: of the batches solved so far, how many there were of each size.
    """

    evaluator: Evaluator
    widest: int = WIDEST
    sizes: dict[int, int] = field(default_factory=dict)
    _waiting: list[_Job] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _solving: bool = False
    _held: int = 0

    def solve(self, window: Window, check: Callable[[], None]) -> Tensor:
        """Normalised mel ``[T, 80]`` of a window; returns when a batch with it has been solved.

        Args:
            window: of the calling stream.
            check: asked between network evaluations; raises when the stream was cancelled, and ends this stream only.

        Raises:
            CancelledError: whatever ``check`` raised.
        """
        job = _Job(window, check)
        with self._changed:
            self._waiting.append(job)
            self._changed.notify_all()
        while not job.done:
            batch = self._next(job)
            if batch:
                self._lead(batch)
        if job.error is not None:
            raise job.error
        return job.mel

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let windows gather meanwhile; those of all waiting streams are then solved together."""
        with self._changed:
            self._held += 1
        try:
            yield
        finally:
            with self._changed:
                self._held -= 1
                self._changed.notify_all()

    def wait_for(self, windows: int, timeout_s: float | None = None) -> bool:
        """Until so many windows wait; False after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._waiting) >= windows, timeout_s)

    def solve_together(self, jobs: list[_Job]) -> None:
        """Solve windows in as few batches as their lengths allow, each job's result or error into the job."""
        for group in groups([job.window for job in jobs]):
            some = [jobs[i] for i in group]
            self.sizes[len(some)] = self.sizes.get(len(some), 0) + 1
            try:
                mels = self.evaluator.solve_together([j.window for j in some], lambda s=some: self._drop_cancelled(s))
            except BaseException as error:  # the network's own: nobody's mel is there
                for job in some:
                    job.error = job.error or error
                if not isinstance(error, Exception):
                    raise
            else:
                for job, mel in zip(some, mels, strict=True):
                    if job.error is None:
                        job.mel = mel

    def _next(self, job: _Job) -> list[_Job]:
        """Wait until ``job`` is done (nothing), or until it is this thread's turn to solve what waits."""
        with self._changed:
            self._changed.wait_for(lambda: job.done or (not self._solving and not self._held and job in self._waiting))
            if job.done:
                return []
            self._solving = True
            first = [job, *(other for other in self._waiting if other is not job)][: self.widest]
            self._waiting = [other for other in self._waiting if other not in first]
            return first

    def _lead(self, batch: list[_Job]) -> None:
        try:
            self.solve_together(batch)
        except BaseException as error:  # Ctrl-C: the others must not wait for ever
            for job in batch:
                if not job.done:
                    job.error = error
            raise
        finally:
            with self._changed:
                self._solving = False
                self._changed.notify_all()

    def _drop_cancelled(self, jobs: list[_Job]) -> None:
        """Let cancelled streams go now; stop when there is nobody left.

        Raises:
            CancelledError: all of them were cancelled.
        """
        for job in jobs:
            if job.error is None:
                try:
                    job.check()
                except BaseException as error:
                    with self._changed:
                        job.error = error
                        self._changed.notify_all()
        if all(job.error is not None for job in jobs):
            raise CancelledError


class BatchedEvaluator(Evaluator):
    """An evaluator whose sessions' windows are solved together; otherwise as :class:`streamflow.decoding.Evaluator`."""

    def __init__(self, bundle: Bundle, plan: Plan, widest: int = WIDEST):
        super().__init__(bundle, plan)
        self.batcher = Batcher(self, widest)

    def solve(self, window: Window, check: Callable[[], None]) -> Tensor:
        """As the evaluator's own, beside the windows of other streams."""
        return self.batcher.solve(window, check)


def batched_system(name: str, bundle: Bundle, widest: int = WIDEST, **parameters) -> tuple[MadeSystem, Batcher]:
    """A strategy whose sessions, each in a thread of its own, are decoded together.

    Args:
        name: a key of ``STRATEGIES`` that decodes with a flow.
        bundle: the weights.
        widest: windows in a batch at most; 1 for none.
        **parameters: of the strategy.

    Returns:
        The system and its batcher.

    Raises:
        StrategyError: an unknown strategy, or one without a flow.
    """
    parameters = parameters_of_strategy(name) | parameters
    plan = plan_of_strategy(name, bundle, parameters)
    if plan is None:
        raise StrategyError(f"{name} is a control without windows to batch; choose a strategy that decodes with a flow")
    evaluator = BatchedEvaluator(bundle, plan, widest)
    system = flow_system(name, bundle, parameters, evaluator)
    return replace(system, facts=system.facts | {"batched": widest}), evaluator.batcher

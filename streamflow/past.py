"""What the past is to a stream, one class a meaning of :attr:`streamflow.plan.Plan.past`.

Each solves the flow over a window of frames, of which those of ``own`` are final afterwards and those after them are
provisional, and keeps of the past what its next window will need: nothing that grows with the stream, unless a layer of
the pattern sees all of the past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .batch_windows import Window
from .cones import cones
from .kv_cache import KeyValueCache, Reading
from .plan import Plan

if TYPE_CHECKING:
    from .decoding import Evaluator

Check = Callable[[], None]


class WindowPast:
    """The past is part of the window and decoded again, from its noise."""

    def __init__(self, evaluator: Evaluator):
        self.evaluator, self.plan = evaluator, evaluator.plan

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        """Normalised mel ``[len(window), 80]`` from noise ``[len(window), 80]`` and condition ``[len(window), W]``.

        Only the rows of ``own`` are computed to the end.
        """
        return self.evaluator.solve(Window(noise, condition, window.start, self._cones(window, own)), check)

    def _cones(self, window: range, own: range, known: int = 0, pasts: tuple[int, ...] | None = None) -> tuple:
        return cones(self.plan.pattern, self.plan.schedule.nfe, window, own, known, pasts, self.evaluator.dit.device)


class InpaintedPast(WindowPast):
    """The past is part of the window, but where the flow to the emitted mel is at the time: (1 - t) z + t mel."""

    def __init__(self, evaluator: Evaluator):
        super().__init__(evaluator)
        self._emitted: Tensor | None = None  # normalised mel of the frames before the next window's own

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        first = own.start - window.start
        known = self._emitted[len(self._emitted) - first :] if first else None
        made = self._cones(window, own, first)
        mel = self.evaluator.solve(Window(noise, condition, window.start, made, known=known), check)
        new = mel[first : own.stop - window.start]
        emitted = new if self._emitted is None else torch.cat([self._emitted, new])
        back = self.plan.back_frames
        self._emitted = (emitted if back is None else emitted[max(0, len(emitted) - back) :]).clone()
        return mel


class FrozenPast(WindowPast):
    """The past enters through the keys and values that it had when it was current, one set an evaluation and layer.

    Only layers that look back keep any, and no more than they reach. Both guidance branches are rows of one set.
    """

    def __init__(self, evaluator: Evaluator):
        super().__init__(evaluator)
        self.kept = kept_frames(self.plan)
        self.caches = [
            [None if frames == 0 else KeyValueCache() for frames in self.kept] for _ in self.plan.schedule.times
        ]

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        made = self._cones(window, own, pasts=_lengths(self.caches[0]))
        mel = self.evaluator.solve(Window(noise, condition, window.start, made, self.caches), check)
        for cone, caches in zip(made, self.caches, strict=True):
            for layer, (cache, frames) in enumerate(zip(caches, self.kept, strict=True)):
                if cache is not None:
                    cache.keep(cone.entering(layer).stop - len(own), frames)
        return mel


class CleanPast(WindowPast):
    """The past enters through keys and values of finished mel, one set a layer, written by one more evaluation."""

    def __init__(self, evaluator: Evaluator):
        super().__init__(evaluator)
        self.kept = kept_frames(self.plan)
        self.caches = [None if frames == 0 else KeyValueCache() for frames in self.kept]
        self._read = [[None if c is None else Reading(c) for c in self.caches]] * self.plan.schedule.nfe

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        made = self._cones(window, window, pasts=_lengths(self.caches))
        asked = Window(noise, condition, window.start, made, self._read, written=self.caches)
        mel = self.evaluator.solve(asked, check)
        for cache, frames in zip(self.caches, self.kept, strict=True):
            if cache is not None:
                cache.keep(0, frames)
        return mel


PAST = {"window": WindowPast, "frozen": FrozenPast, "inpainted": InpaintedPast, "clean": CleanPast}


def kept_frames(plan: Plan) -> list[int | None]:
    """Frames of the past whose keys and values each layer keeps; ``None`` is all of them."""
    limit = None if plan.back is None else plan.back * plan.grid
    result = []
    for reach in plan.pattern.layers:
        reached = None if reach.back is None else reach.back * plan.pattern.block
        bounds = [f for f in (limit, reached) if f is not None]
        result.append(min(bounds) if bounds else None)
    return result


def _lengths(caches: Sequence[KeyValueCache | None]) -> tuple[int, ...]:
    return tuple(0 if cache is None else cache.length for cache in caches)

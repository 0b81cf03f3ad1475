"""What the past is to a stream, one class a meaning of :attr:`streamflow.plan.Plan.past`.

Each solves the flow over a window of frames, of which those of ``own`` are final afterwards and those after them are
provisional, and keeps of the past what its next window will need: nothing that grows with the stream, unless a layer of
the pattern sees all of the past.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .clean_prefix import CLEAN_TIME, clean_copy
from .dit import KeyValueCache
from .plan import Plan

if TYPE_CHECKING:
    from .decoding import Evaluator

Check = Callable[[], None]


class WindowPast:
    """The past is part of the window and decoded again, from its noise."""

    def __init__(self, evaluator: Evaluator):
        self.evaluator, self.plan = evaluator, evaluator.plan

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        """Normalised mel ``[len(window), 80]`` from noise ``[len(window), 80]`` and condition ``[len(window), W]``."""
        masks = self.plan.pattern.masks(window, window)
        return self.evaluator.solve(noise, condition, masks, window.start, None, check)


class InpaintedPast(WindowPast):
    """The past is part of the window, but where the flow to the emitted mel is at the time: (1 - t) z + t mel."""

    def __init__(self, evaluator: Evaluator):
        super().__init__(evaluator)
        self._emitted: Tensor | None = None  # normalised mel of the frames before the next window's own

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        masks, first = self.plan.pattern.masks(window, window), own.start - window.start
        fixed = self._emitted[len(self._emitted) - first :] if first else None
        mel = self.evaluator.solve(noise, condition, masks, window.start, None, check, fixed)
        new = mel[first : own.stop - window.start]
        known = new if self._emitted is None else torch.cat([self._emitted, new])
        back = self.plan.back_frames
        self._emitted = (known if back is None else known[max(0, len(known) - back) :]).clone()
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
        masks = _masks(self.plan, window, self.caches[0])
        mel = self.evaluator.solve(noise, condition, masks, window.start, self.caches, check)
        for layers in self.caches:
            _keep(layers, window.stop - own.stop, self.kept)
        return mel


class CleanPast(WindowPast):
    """The past enters through keys and values of finished mel, one set a layer, written by one more evaluation."""

    def __init__(self, evaluator: Evaluator):
        super().__init__(evaluator)
        self.kept = kept_frames(self.plan)
        self.caches = [None if frames == 0 else KeyValueCache() for frames in self.kept]
        self._read = [[None if c is None else _Reading(c) for c in self.caches]] * self.plan.schedule.nfe

    def solve(self, window: range, own: range, noise: Tensor, condition: Tensor, check: Check) -> Tensor:
        masks = _masks(self.plan, window, self.caches)
        mel = self.evaluator.solve(noise, condition, masks, window.start, self._read, check)
        check()
        both = self.evaluator.branch_condition(condition)
        self.evaluator.velocity(clean_copy(mel, noise), both, self._modulations(), masks, window.start, self.caches)
        _keep(self.caches, 0, self.kept)
        return mel

    def _modulations(self) -> list:
        return self.evaluator.modulations_at(CLEAN_TIME)


class _Reading:
    """A cache that shows what it has beside the new keys and values, and does not take these in."""

    def __init__(self, cache: KeyValueCache):
        self._cache = cache

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        both = self._cache.extend(keys, values)
        self._cache.keep(keys.shape[2], None)
        return both


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


def _masks(plan: Plan, window: range, caches: list[KeyValueCache | None]) -> list[Tensor | None]:
    """One mask a layer over what is cached and the window; layers that see the same share one."""
    lengths, made = [0 if c is None else c.length for c in caches], {}
    for layer, past in enumerate(lengths):
        key = (plan.pattern.layers[layer], past)
        if key not in made:
            made[key] = plan.pattern.mask(layer, window, range(window.start - past, window.stop))
    return [made[plan.pattern.layers[layer], past] for layer, past in enumerate(lengths)]


def _keep(caches: list[KeyValueCache | None], provisional: int, kept: list[int | None]) -> None:
    for cache, frames in zip(caches, kept, strict=True):
        if cache is not None:
            cache.keep(provisional, frames)

"""One utterance through the DiT: the part of decoding that every strategy shares, and what a strategy decides.

A strategy is data: which weights, under which attention pattern, over which window of frames around those to be emitted,
and whether the past is recomputed or cached. docs/decoding.md says what each of these means for exactness.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from .attention import AttentionPattern
from .checkpoints import Bundle
from .crossfade import CrossFade
from .dit import DiT, KeyValueCache
from .errors import StrategyError
from .flow import Schedule, guide, integrate
from .mel import denormalise
from .noise import frame_noise

LONGEST_FADE = 0.2  # of a hop


@dataclass(frozen=True)
class Plan:
    """What a strategy does.

    Attributes:
        weights: the pattern whose weights are used.
        pattern: the attention pattern under which they are used.
        grid: frames; windows and emissions begin at multiples of it.
        hop: blocks of ``grid`` frames emitted at once; ``None`` is the whole utterance.
        back, ahead: blocks of ``grid`` frames of context in the window; ``None`` is all there is.
        cached: keys and values of the past are kept instead of recomputed; only for patterns without look-ahead.
        fresh_noise: draw the noise anew for each emission, a defect of naive streaming kept for comparison.
        crossfade: share of a hop, 0 to 0.2, by which windows without context overlap and are faded into one another.
    """

    weights: str
    pattern: AttentionPattern
    grid: int
    hop: int | None = 1
    back: int | None = 0
    ahead: int | None = 0
    cached: bool = False
    fresh_noise: bool = False
    crossfade: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self):
        if self.cached and not self.pattern.cacheable:
            raise StrategyError("a pattern that looks ahead cannot be cached; set cached=false")
        if not 0 <= self.crossfade <= LONGEST_FADE:
            raise StrategyError(f"crossfade={self.crossfade!r} must be a share of a hop from 0 to {LONGEST_FADE}")
        if self.crossfade and (self.back, self.ahead, self.cached) != (0, 0, False):
            raise StrategyError("a window with context is not cross-faded; set crossfade=0")
        for name, value, least in (
            ("block", self.grid, 1),
            ("hop", self.hop, 1),
            ("back", self.back, 0),
            ("ahead", self.ahead, 0),
        ):
            if value is not None and (not isinstance(value, int) or value < least):
                raise StrategyError(f"{name}={value!r} must be a whole number of at least {least}")

    @property
    def lookahead_frames(self) -> int | None:
        """Frames after the emitted ones that must be there first; ``None`` is the whole utterance."""
        return None if self.hop is None or self.ahead is None else self.ahead * self.grid

    @property
    def fade_frames(self) -> int:
        """Frames that two neighbouring emissions share."""
        return 0 if self.hop is None else round(self.crossfade * self.hop * self.grid)

    @property
    def hop_frames(self) -> int | None:
        """Frames emitted at once; ``None`` is the whole utterance."""
        return None if self.hop is None else self.hop * self.grid


class CancelledError(Exception):
    """The session was cancelled while it was decoding."""


class Evaluator:
    """A DiT with everything that depends on the time grid alone computed beforehand; shared by all sessions."""

    def __init__(self, bundle: Bundle, plan: Plan):
        self.dit: DiT = bundle.decoder(plan.weights)
        self.plan = plan

    @cached_property
    def modulations(self) -> list[list[tuple[Tensor, ...]]]:
        """Scales, shifts and gates of each evaluation: a third of the network's arithmetic at its full size."""
        with torch.inference_mode():
            return [self.dit.modulations(torch.tensor([t])) for t in self.plan.schedule.times]

    @property
    def branches(self) -> int:
        """1, or 2 with guidance."""
        return 2 if self.plan.schedule.guidance else 1

    def branch_condition(self, condition: Tensor) -> Tensor:
        """Condition ``[T, W]`` to ``[branches, T, W]``, the second one null."""
        if self.branches == 1:
            return condition[None]
        return torch.stack([condition, self.dit.null.expand(len(condition), -1)])

    def solve(
        self, noise: Tensor, condition: Tensor, masks: list, start: int, caches: list | None, check: Callable[[], None]
    ) -> Tensor:
        """Integrate the flow over one window: noise ``[T, 80]`` to normalised mel ``[T, 80]``."""
        both, w = self.branch_condition(condition), self.plan.schedule.guidance

        def velocity(index: int, _: float, x: Tensor) -> Tensor:
            check()
            layers = caches[index] if caches else None
            v = self.dit(x.expand(self.branches, -1, -1), both, self.modulations[index], masks, start, layers)
            return guide(v[:1], v[1:], w) if w else v

        return integrate(velocity, noise[None], self.plan.schedule)[0]


class MelStream:
    """The frames of one utterance: conditions come in, finished log-mel comes out, emission by emission."""

    def __init__(self, evaluator: Evaluator, speaker: Tensor, seed: int):
        self.evaluator, self.plan, self.speaker, self.seed = evaluator, evaluator.plan, speaker, seed
        self.position = 0  # the next frame to be emitted
        self.available = 0  # frames whose tokens have come
        self._first = 0  # absolute frame of the first row of the conditions that are kept
        self._condition = torch.zeros(0)
        self._tokens: list[Tensor] = []  # come, but not embedded yet
        self._cancelled = threading.Event()
        self._faded = CrossFade(self.plan.fade_frames)
        self._caches = [[KeyValueCache() for _ in evaluator.dit.blocks] for _ in self.plan.schedule.times]

    def cancel(self) -> None:
        """Stop before the next network evaluation; from any thread."""
        self._cancelled.set()

    def add(self, tokens: Tensor) -> None:
        """Take int64 tokens ``[n, K]``."""
        self._tokens.append(tokens)
        self.available += len(tokens) * self.evaluator.dit.config.frames_per_token

    def next_span(self, finished: bool) -> range | None:
        """The frames that can be emitted now, if any."""
        hop, lookahead = self.plan.hop_frames, self.plan.lookahead_frames
        decoded = self.position + self._faded.held  # the next window's own frames begin here
        if finished:
            stop = self.available if hop is None else min(self.available, decoded + hop)
            stop -= 0 if stop == self.available else self._faded.frames
            return range(self.position, stop) if stop > self.position else None
        if hop is None or lookahead is None or self.available < decoded + hop + lookahead:
            return None
        return range(self.position, decoded + hop - self._faded.frames)

    @torch.inference_mode()
    def emit(self, span: range) -> Tensor:
        """Log-mel ``[len(span), 80]`` of a span given by :meth:`next_span`.

        Raises:
            CancelledError: within one network evaluation of :meth:`cancel`.
        """
        plan, held = self.plan, self._faded.held
        if held and len(span) == held:  # the utterance ends with what was held back
            self.position = span.stop
            return self._faded.rest()
        hold = min(self._faded.frames, self.available - span.stop)
        ahead = (
            self.available
            if plan.lookahead_frames is None
            else min(self.available, span.stop + hold + plan.lookahead_frames)
        )
        if plan.cached:
            window, keys, caches = span, range(span.stop), self._caches
        else:
            back = 0 if plan.back is None else max(0, span.start - plan.back * plan.grid)
            window, caches = range(back, ahead), None
            keys = window
        self._embed(ahead)
        seed = self.seed + 1 + span.start + held if plan.fresh_noise else self.seed
        condition = self._condition[window.start - self._first : window.stop - self._first]
        masks = plan.pattern.masks(window, keys)
        mel = self.evaluator.solve(
            frame_noise(seed, window.start, window.stop), condition, masks, window.start, caches, self.check
        )
        self.position = span.stop
        self._forget()
        config = self.evaluator.dit.config
        own = mel[span.start - window.start : span.stop + hold - window.start]
        own = denormalise(own, config.mel_mean, config.mel_std)
        return self._faded.join(own, hold)

    def seam(self, span: range) -> int:
        """The frame where a span given by :meth:`next_span` meets the one before; 0 for none.

        Asked before :meth:`emit`. Of a cross-fade, its middle.
        """
        held = self._faded.held
        return 0 if held and len(span) == held else span.start + held // 2

    def _embed(self, stop: int) -> None:
        """Embed the tokens of the frames before ``stop``.

        Not when they come: the rounding of a matrix product depends on its size, and the audio would depend, in its
        last bits, on how the tokens were packed.
        """
        have = self._first + len(self._condition)
        if stop > have:
            count = -(-(stop - have) // self.evaluator.dit.config.frames_per_token)
            tokens = torch.cat(self._tokens)
            self._tokens = [tokens[count:]]
            new = self.evaluator.dit.condition(tokens[None, :count], self.speaker[None])[0]
            self._condition = torch.cat([self._condition, new]) if len(self._condition) else new

    def check(self) -> None:
        """Between network evaluations.

        Raises:
            CancelledError: the session was cancelled; its state is freed.
        """
        if self._cancelled.is_set():
            self._caches, self._condition, self._tokens = [], torch.zeros(0), []
            raise CancelledError

    def _forget(self) -> None:
        """Drop conditions that no later window reaches, so that a stream's memory does not grow with its length."""
        if self.plan.back is not None or self.plan.cached:
            blocks = 0 if self.plan.cached else self.plan.back
            keep = max(self._first, self.position - blocks * self.plan.grid)
            self._condition = self._condition[keep - self._first :]
            self._first = keep

"""One utterance through the DiT: the part of decoding that every strategy shares, and what a strategy decides.

A strategy is data: which weights, under which attention pattern, over which window of frames around those to be emitted,
and whether the past is recomputed or cached. docs/decoding.md says what each of these means for exactness.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from .batch_windows import Batch, Step, Window
from .checkpoints import Bundle
from .clean_prefix import CLEAN_TIME, clean_copy
from .crossfade import CrossFade, OverlapFade
from .dit import DiT
from .errors import StrategyError
from .flow import guide, integrate
from .mel import denormalise
from .noise import frame_noise
from .past import PAST
from .plan import Plan

__all__ = ["CancelledError", "Evaluator", "MelStream", "Plan"]


class CancelledError(Exception):
    """The session was cancelled while it was decoding."""


class Evaluator:
    """A DiT with everything that depends on the time grid alone computed beforehand; shared by all sessions."""

    def __init__(self, bundle: Bundle, plan: Plan):
        self.dit: DiT = bundle.decoder(plan.weights)
        self.plan = plan
        self._modulations: dict[float, list[tuple[Tensor, ...]]] = {}

    @cached_property
    def modulations(self) -> list[list[tuple[Tensor, ...]]]:
        """Scales, shifts and gates of each evaluation: a third of the network's arithmetic at its full size."""
        return [self.modulations_at(t) for t in self.plan.schedule.times]

    def modulations_at(self, t: float) -> list[tuple[Tensor, ...]]:
        """Scales, shifts and gates of every layer at time ``t``, computed once."""
        if t not in self._modulations:
            with torch.inference_mode():
                self._modulations[t] = self.dit.modulations(torch.full((1,), t, device=self.dit.device))
        return self._modulations[t]

    @property
    def branches(self) -> int:
        """1, or 2 with guidance."""
        return 2 if self.plan.schedule.guidance else 1

    def solve(self, window: Window, check: Callable[[], None]) -> Tensor:
        """Integrate the flow over one window to its normalised mel ``[T, 80]``, right in the rows that its cones want.

        Raises:
            CancelledError: whatever ``check``, asked before each network evaluation, raises.
        """
        return self.solve_together([window], check)[0]

    @torch.inference_mode()
    def solve_together(self, windows: Sequence[Window], check: Callable[[], None]) -> list[Tensor]:
        """:meth:`solve` windows of several streams, in one batch."""
        batch = Batch(windows, self.branches, self.dit.config.width // self.dit.config.heads)
        conditions = batch.conditions(self.dit.null)

        def velocity(index: int, t: float, x: Tensor) -> Tensor:
            check()
            step = batch.step(index)
            v = self._velocity(batch.put_known(x, t), conditions, self.modulations[index], step, batch)
            given = step.cone.outputs  # nobody reads the other rows again
            return v if len(given) == x.shape[1] else F.pad(v, (0, 0, given.start, x.shape[1] - given.stop))

        mel = integrate(velocity, batch.noise, self.plan.schedule)
        if (step := batch.writing()) is not None:
            check()
            modulations = self.modulations_at(CLEAN_TIME)
            self._velocity(clean_copy(mel, batch.noise), conditions, modulations, step, batch)
        return [rows[: len(window)] for rows, window in zip(mel, windows, strict=True)]

    def _velocity(self, x: Tensor, conditions: Tensor, modulations: list, step: Step, batch: Batch) -> Tensor:
        """One network evaluation, guided: ``x`` ``[N, T, 80]`` to ``[N, T', 80]``, the rows that the step gives out."""
        rows = slice(step.cone.inputs.start, step.cone.inputs.stop)
        v = self.dit(
            x[:, rows].repeat_interleave(self.branches, 0),
            conditions[:, rows],
            modulations,
            step.cone.masks,
            tuple(part[..., rows, :] for part in batch.table),
            step.caches,
            step.cone.cuts,
        )
        return guide(v[0::2], v[1::2], self.plan.schedule.guidance) if self.branches == 2 else v


class MelStream:
    """The frames of one utterance: conditions come in, finished log-mel comes out, emission by emission."""

    def __init__(self, evaluator: Evaluator, speaker: Tensor, seed: int):
        self.evaluator, self.plan, self.seed = evaluator, evaluator.plan, seed
        self.speaker = speaker.to(evaluator.dit.device)
        self.position = 0  # the next frame to be emitted
        self.available = 0  # frames whose tokens have come
        self._first = 0  # absolute frame of the first row of the conditions that are kept
        self._condition = torch.zeros(0)
        self._tokens: list[Tensor] = []  # come, but not embedded yet
        self._cancelled = threading.Event()
        self._faded = CrossFade(self.plan.fade_frames)
        self._overlap = OverlapFade(self.plan.fade, self.plan.fade_window)
        self._past = PAST[self.plan.past](evaluator)
        self._at_work = threading.Lock()

    def cancel(self) -> None:
        """Stop before the next network evaluation and free the state; from any thread."""
        self._cancelled.set()
        if self._at_work.acquire(blocking=False):  # else whoever is at work frees it
            self._free()
            self._at_work.release()

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

    def emit(self, span: range) -> Tensor:
        """Log-mel ``[len(span), 80]`` of a span given by :meth:`next_span`.

        Raises:
            CancelledError: within one network evaluation of :meth:`cancel`.
        """
        with self._at_work, torch.inference_mode():
            self.check()
            held = self._faded.held
            if held and len(span) == held:  # the utterance ends with what was held back
                self.position = span.stop
                return self._faded.rest()
            hold = min(self._faded.frames, self.available - span.stop)
            mel = self._solve(span, hold)
            self.position = span.stop
            self._forget()
            return self._overlap.join(self._faded.join(mel, hold), len(span))

    def _solve(self, span: range, hold: int) -> Tensor:
        """Log-mel of a span, of what a fade holds back after it, and of what is decoded again with the next one."""
        plan = self.plan
        ahead = plan.ahead_frames
        stop = self.available if ahead is None else min(self.available, span.stop + hold + ahead)
        back = plan.back_frames
        window = range(0 if back is None else max(0, span.start - back), stop)
        self._embed(stop)
        seed = self.seed + 1 + span.start + self._faded.held if plan.fresh_noise else self.seed
        noise = frame_noise(seed, window.start, window.stop).to(self.evaluator.dit.device, non_blocking=True)
        condition = self._condition[window.start - self._first : window.stop - self._first]
        own = range(span.start, min(stop, span.stop + hold + plan.overlap_frames))
        mel = self._past.solve(window, own, noise, condition, self.check)
        mel = mel[own.start - window.start : own.stop - window.start]
        config = self.evaluator.dit.config
        return denormalise(mel, config.mel_mean, config.mel_std)

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
            heard = min(self.plan.token_ahead, len(tokens) - count)
            dit, now = self.evaluator.dit, tokens[: count + heard]
            new = dit.condition(now.to(dit.device, non_blocking=True)[None], self.speaker[None], heard)[0]
            self._condition = torch.cat([self._condition, new]) if len(self._condition) else new

    def check(self) -> None:
        """Between network evaluations.

        Raises:
            CancelledError: the session was cancelled; its state is freed.
        """
        if self._cancelled.is_set():
            self._free()
            raise CancelledError

    def skip_to(self, frame: int) -> None:
        """Go on at ``frame``, on the grid, as if those before had been emitted: for measuring what a history costs.

        Raises:
            StrategyError: the next emission needs something that was computed for those before.
        """
        if self.plan.past != "window" or self.plan.fade_frames or frame % self.plan.grid:
            raise StrategyError(f"frame {frame} cannot be skipped to: what was computed before it is needed; decode it")
        self.position = frame

    def _free(self) -> None:
        self._past, self._condition, self._tokens = None, torch.zeros(0), []
        self._faded, self._overlap = CrossFade(0), OverlapFade(0)
        self.available = self.position

    def _forget(self) -> None:
        """Drop conditions that no later window reaches, so that a stream's memory does not grow with its length."""
        if self.plan.back_frames is not None:
            keep = max(self._first, self.position - self.plan.back_frames)
            self._condition = self._condition[keep - self._first :]
            self._first = keep

"""Exact streaming of any frame-to-wave vocoder whose context is finite and declared.

Frame i of the mel becomes samples i hop to (i + 1) hop - 1. When these depend on frames i - past to i + future only, a
window cut out of the mel gives the offline samples of every frame whose whole context lies inside the window, or whose
context ends where the utterance ends. The wrapper renders just such frames, so there is no seam to cross-fade.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Vocoder(Protocol):
    """What a vocoder must offer to be streamed.

    Attributes:
        hop: samples a frame.
        past_frames: earlier frames that the samples of one frame depend on, exactly or to the tolerance accepted.
        future_frames: later frames that they depend on; the vocoder's share of the algorithmic latency.
    """

    hop: int
    past_frames: int
    future_frames: int

    def __call__(self, mel: Tensor) -> Tensor:
        """Turn ``[B, T, bands]`` log-mel into ``[B, T * hop]`` samples."""


class StreamingVocoder:
    """One stream through a vocoder: frames in, final samples out.

    The state is the mel buffer alone, at most ``past_frames + future_frames`` frames between two calls (plus
    ``step_frames - 1``), so the cost of a push depends on the frames pushed and not on the position in the stream.

    Args:
        vocoder: the vocoder; it is shared between streams and never modified.
        past_frames: context to use in place of the vocoder's own ``past_frames``.
        future_frames: context to use in place of the vocoder's own ``future_frames``.
        step_frames: render exactly this many frames in every call but the last. The windows then lie on a fixed grid
            and the samples are equal to the last bit however the frames were packed; without it they are equal up to
            rounding, since convolution kernels may add in another order for another length.

    Raises:
        ValueError: if a context is negative or ``step_frames`` is not positive.
    """

    def __init__(
        self,
        vocoder: Vocoder,
        *,
        past_frames: int | None = None,
        future_frames: int | None = None,
        step_frames: int | None = None,
    ) -> None:
        self.vocoder = vocoder
        self.hop = vocoder.hop
        self.past_frames = vocoder.past_frames if past_frames is None else past_frames
        self.future_frames = vocoder.future_frames if future_frames is None else future_frames
        self.step_frames = step_frames
        if self.past_frames < 0 or self.future_frames < 0 or (step_frames is not None and step_frames < 1):
            raise ValueError(
                f"context ({self.past_frames}, {self.future_frames}) and step {step_frames}: "
                "give contexts of at least 0 frames and a step of at least 1"
            )
        self._buffer: Tensor | None = None  # [frames, bands], from absolute frame _first on
        self._first = 0
        self._rendered = 0
        self._finished = False

    @property
    def rendered_frames(self) -> int:
        """Frames whose samples have been returned."""
        return self._rendered

    @property
    def pending_frames(self) -> int:
        """Frames pushed whose samples have not been returned yet."""
        return self._received - self._rendered

    @property
    def _received(self) -> int:
        return self._first + (0 if self._buffer is None else len(self._buffer))

    def push(self, mel: Tensor) -> Tensor:
        """Take more frames and return the samples that they make final.

        Args:
            mel: ``[n, bands]`` log-mel; n may be 0.

        Returns:
            ``[m * hop]`` samples of m frames, following those returned before without gap or overlap; m may be 0.

        Raises:
            RuntimeError: after ``finish``.
            ValueError: if ``mel`` is not ``[n, bands]``.
        """
        self._refuse_when_finished()
        if mel.ndim != 2:
            raise ValueError(f"mel of shape {tuple(mel.shape)}: push takes [n, bands], one stream at a time")
        self._buffer = mel.clone() if self._buffer is None else torch.cat([self._buffer, mel])
        pieces = []
        while (frames := self._ready_frames()) > 0:
            pieces.append(self._render(frames, until=self._rendered + frames + self.future_frames))
        return torch.cat(pieces) if pieces else mel.new_zeros(0)

    def finish(self) -> Tensor:
        """Return the samples of the frames held back; the stream ends with the last frame pushed.

        Returns:
            ``[m * hop]`` samples; none when nothing was pushed.

        Raises:
            RuntimeError: when called twice.
        """
        self._refuse_when_finished()
        self._finished = True
        if self.pending_frames == 0:
            return torch.zeros(0) if self._buffer is None else self._buffer.new_zeros(0)
        samples = self._render(self.pending_frames, until=self._received)
        self._buffer, self._first = None, self._rendered
        return samples

    def _ready_frames(self) -> int:
        """How many frames to render now: those with their whole future in the buffer, in whole steps."""
        ready = self.pending_frames - self.future_frames
        if self.step_frames is None:
            return ready
        return self.step_frames if ready >= self.step_frames else 0

    def _render(self, frames: int, *, until: int) -> Tensor:
        """Samples of the next frames, from a window that ends before absolute frame ``until``."""
        window = self._buffer[: until - self._first]
        with torch.no_grad():
            wave = self.vocoder(window[None])[0]
        if len(wave) != len(window) * self.hop:
            raise ValueError(
                f"the vocoder made {len(wave)} samples of {len(window)} frames: it must make {self.hop} each"
            )
        begin = (self._rendered - self._first) * self.hop
        samples = wave[begin : begin + frames * self.hop].clone()  # a view would keep the whole window alive
        self._rendered += frames
        keep_from = max(0, self._rendered - self.past_frames)
        self._buffer = self._buffer[keep_from - self._first :]
        self._first = keep_from
        return samples

    def _refuse_when_finished(self) -> None:
        if self._finished:
            raise RuntimeError("this stream has finished: open a new StreamingVocoder for the next utterance")

"""Overlap and fade: neighbouring pieces share frames, and one takes over from the other by a raised cosine.

The weights of both sides add up to one at every frame (a Hann window cut in two), so where the pieces agree nothing
changes. What is shared is held back until the next piece is there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

FADES = ("hann", "hamming")


def fade_weights(window: str, frames: int) -> tuple[Tensor, Tensor]:
    """Rising and falling weights ``[frames]`` of a fade.

    ``hann`` is the raised cosine sampled between the frames, so that both add up to one. ``hamming`` is CosyVoice's
    ``numpy.hamming(2 n)`` cut in two: the halves add up to about 1.08, and a log-mel is that much larger in the fade.
    """
    if window == "hamming":
        whole = torch.signal.windows.hamming(2 * frames, dtype=torch.float64) if frames else torch.zeros(0)
        return whole[:frames], whole[frames:]
    phase = (torch.arange(frames) + 0.5) / max(frames, 1)
    rise = 0.5 - 0.5 * torch.cos(math.pi * phase)
    return rise, 1 - rise


class CrossFade:
    """The joints of one stream.

    Args:
        frames: shared by two neighbours; 0 butts them.

    Attributes:
        held: frames of the piece before that are still to be faded.
    """

    def __init__(self, frames: int):
        self.frames = frames
        self._tail: Tensor | None = None
        self._rise = fade_weights("hann", frames)[0][:, None]

    @property
    def held(self) -> int:
        return 0 if self._tail is None else len(self._tail)

    def join(self, piece: Tensor, hold: int) -> Tensor:
        """Fade ``[n, bands]`` in over what is held; give all of it but the last ``hold`` frames, which are held now.

        A piece of the held frames alone, with nothing after them, must not come here: :meth:`rest` gives those.
        """
        if self._tail is not None:
            shared = len(self._tail)
            rise = self._rise.to(piece.device)
            faded = self._tail * (1 - rise) + piece[:shared] * rise
            piece = torch.cat([faded, piece[shared:]])
        self._tail = piece[len(piece) - hold :].clone() if hold else None
        return piece[: len(piece) - hold]

    def rest(self) -> Tensor:
        """What is held, as it is: nothing follows."""
        rest, self._tail = self._tail, None
        return rest


class OverlapFade:
    """Pieces that were decoded twice over their overlap, as CosyVoice 1 does: the old version fades into the new.

    Args:
        frames: of the fade, at the start of each piece; no longer than the overlap is used.
        window: see :func:`fade_weights`.
    """

    def __init__(self, frames: int, window: str = "hann"):
        self.frames, self.window = frames, window
        self._tail: Tensor | None = None

    def join(self, piece: Tensor, emitted: int) -> Tensor:
        """The first ``emitted`` frames of ``[n, bands]``, faded; what comes after them is kept for the next fade."""
        shared = 0 if self._tail is None else min(self.frames, len(self._tail), len(piece))
        if shared:
            rise, fall = (w.to(piece)[:, None] for w in fade_weights(self.window, shared))
            faded = self._tail[:shared] * fall + piece[:shared] * rise
            piece = torch.cat([faded, piece[shared:]])
        self._tail = piece[emitted:].clone() if len(piece) > emitted else None
        return piece[:emitted]

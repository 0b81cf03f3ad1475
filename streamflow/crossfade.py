"""Overlap and fade: neighbouring pieces share frames, and one takes over from the other by a raised cosine.

The weights of both sides add up to one at every frame (a Hann window cut in two), so where the pieces agree nothing
changes. What is shared is held back until the next piece is there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


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
        phase = (torch.arange(frames) + 0.5) / max(frames, 1)
        self._rise = (0.5 - 0.5 * torch.cos(math.pi * phase))[:, None]

    @property
    def held(self) -> int:
        return 0 if self._tail is None else len(self._tail)

    def join(self, piece: Tensor, hold: int) -> Tensor:
        """Fade ``[n, bands]`` in over what is held; give all of it but the last ``hold`` frames, which are held now.

        A piece of the held frames alone, with nothing after them, must not come here: :meth:`rest` gives those.
        """
        if self._tail is not None:
            shared = len(self._tail)
            faded = self._tail * (1 - self._rise) + piece[:shared] * self._rise
            piece = torch.cat([faded, piece[shared:]])
        self._tail = piece[len(piece) - hold :].clone() if hold else None
        return piece[: len(piece) - hold]

    def rest(self) -> Tensor:
        """What is held, as it is: nothing follows."""
        rest, self._tail = self._tail, None
        return rest

"""Clean prefix: the past enters through keys and values of finished mel, one set a layer and not one an evaluation.

A block is denoised while it sees the clean copies of the blocks before it and its own noisy copy (Kimi-Audio and
DiffRhythm 2 decode so). "Clean" is a point of the flow near its end, x_t at t = ``CLEAN_TIME``, because a decoder's own
past is never as good as the recordings that it was trained on: the rest of noise hides small errors of both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .dit import rotary_table, rotate

CLEAN_TIME = 0.95


def clean_copy(mel: Tensor, noise: Tensor) -> Tensor:
    """What the clean copy of a normalised mel ``[..., 80]`` is, given the noise that its flow starts from."""
    return (1 - CLEAN_TIME) * noise + CLEAN_TIME * mel


class CleanNeighbours:
    """Stands for the cache in a forward pass over both copies of every block at once, which is what training needs.

    The rows of the batch are blocks of ``block`` frames, ``copies`` x ``items`` x ``blocks`` of them in this order, the
    clean copy first, each at positions 0 to ``block`` - 1. Each block then sees the clean copies of the ``back`` blocks
    before it and itself, with work that grows with the length and not with its square.
    """

    def __init__(self, items: int, blocks: int, back: int, block: int):
        self.items, self.blocks, self.back, self.block = items, blocks, back, block

    def mask(self) -> Tensor:
        """Boolean ``[rows, 1, 1, (back + 1) * block]``: false for blocks before the first."""
        column = torch.arange((self.back + 1) * self.block) // self.block  # 0 for the block that is furthest back
        present = torch.arange(self.blocks)[:, None] + column - self.back >= 0
        return present.repeat(2 * self.items, 1)[:, None, None]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """``[rows, heads, block, width]`` to ``[rows, heads, (back + 1) * block, width]``."""
        return self._gather(keys, positioned=True), self._gather(values, positioned=False)

    def _gather(self, own: Tensor, positioned: bool) -> Tensor:
        clean = own.unflatten(0, (2, self.items, self.blocks))[0]
        pieces = []
        for distance in range(self.back, 0, -1):
            earlier = torch.zeros_like(clean)
            if distance < self.blocks:
                earlier[:, distance:] = clean[:, : self.blocks - distance]
            if positioned:  # scores depend on differences of positions only: turn these back by so many blocks
                at = -distance * self.block
                earlier = rotate(earlier, rotary_table(at, at + 1, own.shape[-1], own.dtype, own.device))
            pieces.append(earlier.flatten(0, 1).repeat(2, 1, 1, 1))
        return torch.cat([*pieces, own], dim=2)

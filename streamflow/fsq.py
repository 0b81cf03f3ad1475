"""Finite scalar quantisation (Mentzer et al., ICLR 2024): a codebook that is a grid and so cannot collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FSQ(nn.Module):
    """Rounds each coordinate to a few levels; K groups of coordinates give K codes a step.

    Args:
        levels: levels of each coordinate of one code; their product is the size of the codebook.
        codes: K, codes a step.
    """

    def __init__(self, levels: Sequence[int] = (8, 8, 8, 5, 5), codes: int = 1):
        super().__init__()
        self.levels, self.codes = tuple(levels), codes
        self.codebook_size = math.prod(levels)
        self.dimensions = len(levels) * codes
        self.register_buffer("_levels", torch.tensor(self.levels * codes), persistent=False)
        strides = [math.prod(levels[:i]) for i in range(len(levels))]
        self.register_buffer("_strides", torch.tensor(strides), persistent=False)

    def bound(self, z: Tensor) -> Tensor:
        """Squash real ``[..., dimensions]`` into the open range that rounds to the levels of each coordinate."""
        half = (self._levels - 1) * (1 + 1e-3) / 2
        offset = torch.where(self._levels % 2 == 0, 0.5, 0.0)  # an even number of levels has no level at zero
        shift = torch.atanh(offset / half)
        return torch.tanh(z + shift) * half - offset

    def forward(self, z: Tensor) -> Tensor:
        """Quantise ``[..., dimensions]`` to coordinates in [-1, 1], gradients passed straight through."""
        bounded = self.bound(z)
        rounded = bounded + (bounded.round() - bounded).detach()
        return rounded / (self._levels // 2)

    def to_codes(self, coordinates: Tensor) -> Tensor:
        """Coordinates ``[..., dimensions]`` of :meth:`forward` to int64 codes ``[..., K]``."""
        digits = (coordinates * (self._levels // 2)).round().long() + self._levels // 2
        return (digits.unflatten(-1, (self.codes, -1)) * self._strides).sum(-1)

    def to_coordinates(self, codes: Tensor) -> Tensor:
        """int64 codes ``[..., K]`` to float coordinates ``[..., dimensions]``: the exact inverse of :meth:`to_codes`."""
        digits = codes[..., None] // self._strides % self._levels[: len(self.levels)]
        half = self._levels // 2
        return (digits.flatten(-2) - half) / half

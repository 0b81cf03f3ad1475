"""The loss of ``clean-prefix``: a clean and a noisy copy of each crop go through the network together."""

from __future__ import annotations

import torch
from torch import Tensor

from ..attention import AttentionPattern
from ..clean_prefix import CLEAN_TIME, CleanNeighbours, clean_copy
from ..dit import DiT
from ..mel import normalise
from .decoder import FlowObjective


class CleanPrefixObjective(FlowObjective):
    """Mean squared error of the noisy copies' velocity; what does not fill a block at the end is left out.

    Both copies have the same noise, and the same condition or none.
    """

    def forward(
        self, mel: Tensor, tokens: Tensor, voices: Tensor, time: Tensor, noise: Tensor, dropped: Tensor
    ) -> dict[str, Tensor]:
        """Of the same as :meth:`FlowObjective.forward`."""
        whole = mel.shape[1] // self.pattern.block * self.pattern.block
        with self.hardware.autocast():
            x, z, at = normalise(mel[:, :whole]), noise[:, :whole], time[:, None, None]
            condition = self.dit.condition(tokens, voices)[:, :whole]
            condition = torch.where(dropped, self.dit.null.to(condition.dtype), condition)
            noisy = (1 - at) * z + at * x
            guess = two_copies(self.dit, self.pattern, clean_copy(x, z), noisy, condition, time)
            return {"loss": (guess.float() - (x - z)).square().mean()}


def two_copies(
    dit: DiT, pattern: AttentionPattern, clean: Tensor, noisy: Tensor, condition: Tensor, t: Tensor
) -> Tensor:
    """Velocity ``[B, T, 80]`` of the noisy copies, T a multiple of the block; ``t`` ``[B]`` is their time."""
    items, blocks = len(noisy), noisy.shape[1] // pattern.block
    rows = [_blocks(torch.cat(pair), pattern.block) for pair in ((clean, noisy), (condition, condition))]
    times = torch.cat([torch.full_like(t, CLEAN_TIME), t])
    modulations = [tuple(part.repeat_interleave(blocks, 0) for part in layer) for layer in dit.modulations(times)]
    neighbours = [CleanNeighbours(items, blocks, reach.back, pattern.block) for reach in pattern.layers]
    masks = [n.mask().to(noisy.device) for n in neighbours]
    guess = dit(*rows, modulations, masks, 0, neighbours)
    return guess.unflatten(0, (2, items, blocks))[1].flatten(1, 2)


def _blocks(x: Tensor, block: int) -> Tensor:
    """``[N, T, W]`` to ``[N * T / block, block, W]``."""
    return x.unflatten(1, (-1, block)).flatten(0, 1)

"""The loss of ``clean-prefix``: a clean and a noisy copy of each crop go through the network together."""

from __future__ import annotations

import torch
from torch import Tensor

from ..attention import AttentionPattern
from ..clean_prefix import CLEAN_TIME, CleanNeighbours, clean_copy
from ..dit import DiT
from ..flow import training_pair
from ..mel import normalise


def clean_prefix_loss(
    dit: DiT, pattern: AttentionPattern, mel: Tensor, tokens: Tensor, voices: Tensor, drop: float
) -> Tensor:
    """Mean squared error of the noisy copies' velocity for a batch of equally long crops ``[B, T, 80]``.

    Both copies have the same noise, and the same condition or none. What does not fill a block at the end is left out.
    """
    blocks = mel.shape[1] // pattern.block
    whole = blocks * pattern.block
    x = normalise(mel[:, :whole])
    t, noisy, velocity = training_pair(x)
    condition = dit.condition(tokens, voices)[:, :whole]
    condition = torch.where(torch.rand(len(mel), 1, 1) < drop, dit.null.to(condition.dtype), condition)
    clean = clean_copy(x, noisy - t[:, None, None] * velocity)  # x_t - t (x - z) is z
    guess = two_copies(dit, pattern, clean, noisy, condition, t)
    return (guess.float() - velocity).square().mean()


def two_copies(
    dit: DiT, pattern: AttentionPattern, clean: Tensor, noisy: Tensor, condition: Tensor, t: Tensor
) -> Tensor:
    """Velocity ``[B, T, 80]`` of the noisy copies, T a multiple of the block; ``t`` ``[B]`` is their time."""
    items, blocks = len(noisy), noisy.shape[1] // pattern.block
    rows = [_blocks(torch.cat(pair), pattern.block) for pair in ((clean, noisy), (condition, condition))]
    times = torch.cat([torch.full_like(t, CLEAN_TIME), t])
    modulations = [tuple(part.repeat_interleave(blocks, 0) for part in layer) for layer in dit.modulations(times)]
    neighbours = [CleanNeighbours(items, blocks, reach.back, pattern.block) for reach in pattern.layers]
    masks = [n.mask() for n in neighbours]
    guess = dit(*rows, modulations, masks, 0, neighbours)
    return guess.unflatten(0, (2, items, blocks))[1].flatten(1, 2)


def _blocks(x: Tensor, block: int) -> Tensor:
    """``[N, T, W]`` to ``[N * T / block, block, W]``."""
    return x.unflatten(1, (-1, block)).flatten(0, 1)

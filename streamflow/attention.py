"""Attention patterns as data: per layer, how many blocks back and ahead a frame may look.

From a pattern come the boolean mask, the receptive field and the look-ahead; where that is none, keys and values of the
past never change and can be cached.
StreamFlow's block, backward and forward masks (arXiv 2506.23986) are reaches (0, 0), (1, 0) and (0, 1); a full layer
reaches without limit to both sides, a causal one without limit back and not ahead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import StrategyError

BLOCK = 24  # frames, 240 ms
CLEAN_BLOCKS = 4  # finished blocks that a layer of clean-prefix sees
# Tokens after its own that the embedding of a token hears; 6 make streamflow-q0 wait as long as one block of 24 frames
# ahead makes streamflow-sr wait.
TOKEN_AHEAD = {"streamflow-q0": 6}


@dataclass(frozen=True)
class Reach:
    """Blocks that a layer sees before and after its own; ``None`` is without limit."""

    back: int | None = 0
    ahead: int | None = 0


FULL, BACK, AHEAD, OWN, PAST = Reach(None, None), Reach(1, 0), Reach(0, 1), Reach(0, 0), Reach(None, 0)


@dataclass(frozen=True)
class AttentionPattern:
    """One reach a layer, over blocks of ``block`` frames (1 for frame-causal)."""

    block: int
    layers: tuple[Reach, ...]

    @property
    def back(self) -> int | None:
        """p: blocks before its own that one network evaluation depends on; ``None`` is all."""
        return _total(r.back for r in self.layers)

    @property
    def ahead(self) -> int | None:
        """q: blocks after its own that one network evaluation depends on; ``None`` is all."""
        return _total(r.ahead for r in self.layers)

    def mask(self, layer: int, queries: range, keys: range, device: torch.device | None = None) -> Tensor | None:
        """Boolean ``[len(queries), len(keys)]``, true where attention is allowed; ``None`` where all of it is.

        The ranges are absolute frames, so a window that starts off the block grid keeps the same blocks.
        """
        reach = self.layers[layer]
        first, last = queries.start // self.block, (queries.stop - 1) // self.block
        all_near = reach.back is None or keys.start // self.block >= last - reach.back
        if all_near and (reach.ahead is None or (keys.stop - 1) // self.block <= first + reach.ahead):
            return None
        own = torch.arange(queries.start, queries.stop, device=device)[:, None] // self.block
        other = torch.arange(keys.start, keys.stop, device=device)[None] // self.block
        allowed = torch.ones(len(queries), len(keys), dtype=torch.bool, device=device)
        if reach.back is not None:
            allowed &= other >= own - reach.back
        if reach.ahead is not None:
            allowed &= other <= own + reach.ahead
        return allowed

    def masks(self, queries: range, keys: range, device: torch.device | None = None) -> list[Tensor | None]:
        """:meth:`mask` of every layer; layers of one reach share one tensor."""
        made = {r: self.mask(i, queries, keys, device) for i, r in enumerate(self.layers)}
        return [made[r] for r in self.layers]


def _total(reaches) -> int | None:
    reaches = list(reaches)
    return None if None in reaches else sum(reaches)


def full(layers: int) -> AttentionPattern:
    """Every frame sees every frame."""
    return AttentionPattern(1, (FULL,) * layers)


def causal(layers: int) -> AttentionPattern:
    """Every frame sees itself and all frames before."""
    return AttentionPattern(1, (PAST,) * layers)


def block_causal(layers: int, block: int = BLOCK) -> AttentionPattern:
    """Every frame sees its block and all blocks before (CosyVoice 2)."""
    return AttentionPattern(block, (PAST,) * layers)


def streamflow(layers: int, back: Sequence[int], ahead: Sequence[int], block: int = BLOCK) -> AttentionPattern:
    """Own block everywhere, one block back in the layers ``back``, one block ahead in the layers ``ahead``.

    Raises:
        StrategyError: a layer that does not exist.
    """
    return placed(AttentionPattern(block, (OWN,) * layers), block, back, ahead)


def placed(
    pattern: AttentionPattern, block: int, back: Sequence[int] | None = None, ahead: Sequence[int] | None = None
) -> AttentionPattern:
    """The pattern with other layers that look back or ahead: one block in those named, none in the others.

    Args:
        pattern: whose reaches stay on a side that is None.
        block: frames of the blocks that are looked at.
        back, ahead: layers, counted from 0.

    Raises:
        StrategyError: a layer that does not exist.
    """
    layers = len(pattern.layers)
    if bad := [i for i in (*(back or ()), *(ahead or ())) if not 0 <= i < layers]:
        raise StrategyError(f"layer {bad[0]} of the attention pattern is not one of 0 to {layers - 1}; name another")
    reaches = (
        Reach(r.back if back is None else int(i in back), r.ahead if ahead is None else int(i in ahead))
        for i, r in enumerate(pattern.layers)
    )
    return AttentionPattern(block, tuple(reaches))


def spread(layers: int, count: int) -> tuple[int, ...]:
    """``count`` layers evenly from the first to the last but one: where Qwen2.5-Omni puts its backward layers.

    Raises:
        StrategyError: there are not so many layers.
    """
    if not 1 <= count < layers:
        raise StrategyError(f"{count} backward layers do not fit into {layers} layers; use more layers")
    if count == 1:
        return (0,)
    return tuple(math.floor(i * (layers - 2) / (count - 1) + 0.5) for i in range(count))


def preset(name: str, layers: int, block: int = BLOCK) -> AttentionPattern:
    """The pattern of a set of weights, by a name in ``PRESETS``.

    SR has p = 2 and q = 1, LR p = 4 and q = 1, LR2 p = 4 and q = 2, q0 p = 2 and q = 0. The paper gives neither the
    counts nor the layers; these are those of Qwen2.5-Omni (first and last but one looking back, the middle one ahead), LR
    with twice the layers back, LR2 with two thirds of the layers between its two that look ahead. ``clean-prefix`` is
    what each of its two copies sees: its own block, and the clean copies of the ``CLEAN_BLOCKS`` before it.
    """
    if name not in PRESETS:
        raise StrategyError(f"unknown attention pattern {name}; choose one of {', '.join(PRESETS)}")
    return _MADE[name](layers, block)


def _ranged(back: int, ahead: int) -> Callable[[int, int], AttentionPattern]:
    def make(layers: int, block: int) -> AttentionPattern:
        looking_ahead = tuple(layers * (i + 1) // (ahead + 1) for i in range(ahead))
        return streamflow(layers, spread(layers, back) if back else (), looking_ahead, block)

    return make


_MADE: dict[str, Callable[[int, int], AttentionPattern]] = {
    "full": lambda layers, block: full(layers),
    "full+": lambda layers, block: full(layers),  # phase 1 continued for phase 2's budget
    "causal": lambda layers, block: causal(layers),
    "cosyvoice": block_causal,
    "block": _ranged(0, 0),
    "streamflow-sr": _ranged(2, 1),
    "streamflow-lr": _ranged(4, 1),
    "streamflow-lr2": _ranged(4, 2),
    "streamflow-q0": _ranged(2, 0),
    "clean-prefix": lambda layers, block: AttentionPattern(block, (Reach(CLEAN_BLOCKS, 0),) * layers),
}
PRESETS = tuple(_MADE)

"""Attention, and the keys and values of the past that it goes over beside a window's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .cones import Cone, Mask


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """Scaled dot-product attention over ``[B, heads, T, width]``.

    Args:
        q, k, v: queries, keys and values.
        mask: boolean ``[T, keys]``; None for all; a number for blocks of so many rows, each attending to itself.
    """
    if isinstance(mask, int):
        blocks = (part.transpose(1, 2).unflatten(1, (-1, mask)).flatten(0, 1).transpose(1, 2) for part in (q, k, v))
        return attend(*blocks, None).transpose(1, 2).unflatten(0, (len(q), -1)).flatten(1, 2).transpose(1, 2)
    if not q.requires_grad or q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    # the fused kernel's backward pass on a CPU takes twice as long as the plain products
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:  # one sum over the small mask instead of a fill over all heads, whose backward pass copies
        scores = scores + torch.zeros_like(mask, dtype=scores.dtype).masked_fill_(~mask, float("-inf"))
    return scores.softmax(-1).to(v.dtype) @ v


class KeyValueCache:
    """Keys and values of one layer in one network evaluation, over the past.

    The room doubles when it is full, so a stream copies each of its frames about once however long it gets;
    concatenation would copy the whole past for every chunk.
    """

    def __init__(self):
        self.length = 0  # frames
        self._room: list[Tensor] = []  # keys and values [B, heads, at least length, width]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append ``[B, heads, t, width]`` and return all: views that hold until the next call."""
        stop = self.length + keys.shape[2]
        if not self._room or stop > self._room[0].shape[2]:
            self._grow(2 * stop, (keys, values))
        for room, new in zip(self._room, (keys, values), strict=True):
            room[:, :, self.length : stop] = new
        self.length = stop
        keys, values = (room[:, :, :stop] for room in self._room)
        return keys, values

    def keep(self, provisional: int, frames: int | None) -> None:
        """Forget the last ``provisional`` frames, and of those before all but the last ``frames`` (``None``: none)."""
        self.length -= provisional
        if frames is not None and self.length > frames:
            for room in self._room:
                room[:, :, :frames] = room[:, :, self.length - frames : self.length].clone()
            self.length = frames

    def _grow(self, frames: int, like: tuple[Tensor, Tensor]) -> None:
        old, self._room = self._room, [one.new_empty(*one.shape[:2], frames, one.shape[3]) for one in like]
        for room, kept in zip(self._room, old, strict=False):
            room[:, :, : self.length] = kept[:, :, : self.length]


class Reading:
    """A cache that shows what it has beside the new keys and values, and does not take these in."""

    def __init__(self, cache: KeyValueCache):
        self._cache = cache

    @property
    def length(self) -> int:
        """Frames that it has."""
        return self._cache.length

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`KeyValueCache.extend`."""
        both = self._cache.extend(keys, values)
        self._cache.keep(keys.shape[2], None)
        return both


@dataclass(frozen=True)
class SideBySide:
    """The caches of several streams in one layer of a batch; each stream's rows attend to its own past and window.

    Histories differ in length, and padding them to one would copy all of them in every evaluation: so the products around
    attention are shared and attention itself is not.

    Attributes:
        caches: one a stream.
        cones: what the evaluation computes of each stream's window.
        joint: what it computes of the batch.
        layer: whose caches these are.
    """

    caches: Sequence[KeyValueCache | Reading]
    cones: Sequence[Cone]
    joint: Cone
    layer: int

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """:func:`attend` for rows ``[N * branches, heads, T, width]``; rows that no stream asked for get zeros."""
        out, branches = q.new_zeros(q.shape), len(q) // len(self.caches)
        for i, (cache, cone) in enumerate(zip(self.caches, self.cones, strict=True)):
            rows = slice(i * branches, (i + 1) * branches)
            given = _within(cone.layers[self.layer], self.joint.layers[self.layer])
            entering = _within(cone.entering(self.layer), self.joint.entering(self.layer))
            keys, values = cache.extend(k[rows, :, entering], v[rows, :, entering])
            out[rows, :, given] = attend(q[rows, :, given], keys, values, cone.masks[self.layer])
        return out


def _within(part: range, whole: range) -> slice:
    return slice(part.start - whole.start, part.stop - whole.start)

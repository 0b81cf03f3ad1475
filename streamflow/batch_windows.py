"""Windows of several streams as one batch: stacked, padded where they differ in length, each under masks of its own.

A frame of padding enters no attention but its own, so a stream's frames are what they are alone, up to the rounding of a
matrix product, which depends on how many rows it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .dit import rotary_table

LEAST_FULL = 0.75  # of a batch's longest window, below which a window waits for one of its own length


@dataclass(frozen=True)
class Window:
    """What one stream wants solved.

    Attributes:
        noise: ``[T, 80]``.
        condition: ``[T, W]``.
        masks: one a layer, boolean ``[T, T]`` or None.
        start: absolute frame of the first row.
    """

    noise: Tensor
    condition: Tensor
    masks: Sequence[Tensor | None]
    start: int

    def __len__(self) -> int:
        return len(self.noise)


@dataclass(frozen=True)
class Batch:
    """Windows side by side, ``N`` of them, padded to ``T`` frames.

    Attributes:
        noise: ``[N, T, 80]``.
        conditions: ``[N, T, W]``.
        masks: one a layer, boolean ``[T, T]`` where all windows share it, ``[N, 1, T, T]`` where not, or None.
        table: rotary cosines and sines ``[N, 1, T, width / 2]``.
    """

    noise: Tensor
    conditions: Tensor
    masks: list[Tensor | None]
    table: tuple[Tensor, Tensor]


def groups(windows: Sequence[Window]) -> Iterator[list[int]]:
    """Split windows, given by their indices, so that no batch is mostly padding."""
    order = sorted(range(len(windows)), key=lambda i: -len(windows[i]))
    while order:
        longest = len(windows[order[0]])
        group = [i for i in order if len(windows[i]) >= LEAST_FULL * longest]
        order = order[len(group) :]
        yield group


def stack(windows: Sequence[Window], head_width: int) -> Batch:
    """Put windows side by side.

    Args:
        windows: one at least.
        head_width: of an attention head, for the rotary tables.
    """
    longest = max(map(len, windows))
    tables = [rotary_table(w.start, w.start + longest, head_width, w.condition.dtype) for w in windows]
    return Batch(
        torch.stack([_padded(w.noise, longest) for w in windows]),
        torch.stack([_padded(w.condition, longest) for w in windows]),
        _masks(windows, longest),
        tuple(torch.stack(part)[:, None] for part in zip(*tables, strict=True)),
    )


def repeated(batch: Batch, times: int) -> Batch:
    """Every window so often, one after another: a row for each branch of the guidance. Noise and conditions stay."""
    if times == 1:
        return batch
    masks = {id(m): m if m is None or m.ndim == 2 else m.repeat_interleave(times, 0) for m in batch.masks}
    table = tuple(part.repeat_interleave(times, 0) for part in batch.table)
    return Batch(batch.noise, batch.conditions, [masks[id(m)] for m in batch.masks], table)


def _padded(rows: Tensor, length: int) -> Tensor:
    return rows if len(rows) == length else torch.cat([rows, rows.new_zeros(length - len(rows), rows.shape[1])])


def _masks(windows: Sequence[Window], length: int) -> list[Tensor | None]:
    """One a layer; layers whose windows share their masks share the batch's."""
    made: dict[tuple[int, ...], Tensor | None] = {}
    for layer in zip(*(w.masks for w in windows), strict=True):
        key = tuple(map(id, layer))
        if key not in made:
            made[key] = _mask(layer, [len(w) for w in windows], length)
    return [made[tuple(map(id, layer))] for layer in zip(*(w.masks for w in windows), strict=True)]


def _mask(masks: Sequence[Tensor | None], lengths: Sequence[int], length: int) -> Tensor | None:
    if min(lengths) == length:
        first = masks[0]
        if all(m is None for m in masks):
            return None
        if first is not None and all(m is first or (m is not None and torch.equal(m, first)) for m in masks):
            return first
    allowed = torch.eye(length, dtype=torch.bool).repeat(len(masks), 1, 1)  # padding sees itself: no row may be empty
    for row, mask, own in zip(allowed, masks, lengths, strict=True):
        row[:own, :own] = True if mask is None else mask
    return allowed[:, None]

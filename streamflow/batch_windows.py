"""Windows of several streams as one batch: stacked, padded where they differ in length, each under masks of its own.

A frame of padding enters no attention but its own, so a stream's frames are what they are alone, up to the rounding of a
matrix product, which depends on how many rows it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .cones import Cone, Mask
from .dit import rotary_table
from .kv_cache import KeyValueCache, Reading, SideBySide

LEAST_FULL = 0.75  # of a batch's longest window, below which a window waits for one of its own length

Caches = Sequence[KeyValueCache | Reading | None]  # one a layer


@dataclass(frozen=True)
class Window:
    """What one stream wants solved.

    Attributes:
        noise: ``[T, 80]``.
        condition: ``[T, W]``.
        start: absolute frame of the first row.
        cones: what each evaluation computes of it.
        caches: of each evaluation, for a past that enters by its keys and values.
        known: ``[n, 80]``, the mel of the first n frames: each evaluation finds them on the way to it.
        written: filled by one more evaluation, of the finished mel.
    """

    noise: Tensor
    condition: Tensor
    start: int
    cones: Sequence[Cone]
    caches: Sequence[Caches] | None = None
    known: Tensor | None = None
    written: Caches | None = None

    def __len__(self) -> int:
        return len(self.noise)


@dataclass(frozen=True)
class Step:
    """One network evaluation of a batch.

    Attributes:
        cone: what it computes, of all windows alike; masks are ``[N * branches, 1, given, entering]`` where the windows
            do not share them.
        caches: one a layer, or None.
    """

    cone: Cone
    caches: Sequence[KeyValueCache | Reading | SideBySide | None] | None


class Batch:
    """Windows side by side, ``N`` of them, padded to ``T`` frames.

    Args:
        windows: one at least; all of them with caches or none, and so with ``written``.
        branches: rows a window has in the network, one after another: 2 with guidance.
        head_width: of an attention head, for the rotary tables.

    Attributes:
        noise: ``[N, T, 80]``.
        table: rotary cosines and sines, ``[T, width / 2]`` or ``[N * branches, T, width / 2]``.
    """

    def __init__(self, windows: Sequence[Window], branches: int, head_width: int):
        self.windows, self.branches = windows, branches
        longest = max(map(len, windows))
        self.noise = torch.stack([_padded(w.noise, longest) for w in windows])
        kind = windows[0].condition
        tables = [rotary_table(w.start, w.start + longest, head_width, kind.dtype, kind.device) for w in windows]
        alike = len({w.start for w in windows}) == 1
        self.table = tables[0] if alike else tuple(_repeated(part, branches) for part in zip(*tables, strict=True))
        self._known = self._mels_known(longest)
        self._joint: dict[tuple[int, ...], Cone] = {}

    def conditions(self, null: Tensor) -> Tensor:
        """``[N * branches, T, W]``, the second branch of each window null."""
        longest, rows = self.noise.shape[1], []
        for window in self.windows:
            rows.append(_padded(window.condition, longest))
            if self.branches == 2:
                rows.append(null.expand(longest, -1))
        return torch.stack(rows)

    def put_known(self, x: Tensor, t: float) -> Tensor:
        """``x`` ``[N, T, 80]`` with the frames whose mel is known where their flow is at ``t``."""
        if self._known is None:
            return x
        known, mel = self._known
        return torch.where(known, (1 - t) * self.noise + t * mel, x)

    def step(self, index: int) -> Step:
        """The evaluation ``index``."""
        own = [w.cones[index] for w in self.windows]
        return self._step(own, [w.caches[index] for w in self.windows] if self.windows[0].caches else None)

    def writing(self) -> Step | None:
        """The evaluation that writes the finished mel's keys and values, if there is one."""
        if self.windows[0].written is None:
            return None
        return self._step([w.cones[0] for w in self.windows], [w.written for w in self.windows])

    def _step(self, own: list[Cone], caches: list[Caches] | None) -> Step:
        key = tuple(map(id, own))
        if key not in self._joint:
            self._joint[key] = joint(own, self.branches, caches, self.noise.device)
        cone = self._joint[key]
        if caches is None or len(caches) == 1:
            return Step(cone, caches and caches[0])
        layers = enumerate(zip(*caches, strict=True))
        return Step(cone, [None if one[0] is None else SideBySide(one, own, cone, i) for i, one in layers])

    def _mels_known(self, longest: int) -> tuple[Tensor, Tensor] | None:
        """Which frames' mel is known, boolean ``[N, T, 1]``, and what it is, ``[N, T, 80]``."""
        if all(w.known is None for w in self.windows):
            return None
        mels = [w.noise[:0] if w.known is None else w.known for w in self.windows]
        frames = torch.arange(longest, device=self.noise.device)
        known = torch.stack([frames < len(m) for m in mels])
        return known[..., None], torch.stack([_padded(m, longest) for m in mels])


def groups(windows: Sequence[Window]) -> Iterator[list[int]]:
    """Split windows, given by their indices, so that no batch is mostly padding."""
    order = sorted(range(len(windows)), key=lambda i: -len(windows[i]))
    while order:
        longest = len(windows[order[0]])
        group = [i for i in order if len(windows[i]) >= LEAST_FULL * longest]
        order = order[len(group) :]
        yield group


def joint(
    cones: Sequence[Cone],
    branches: int,
    caches: Sequence[Caches] | None = None,
    device: torch.device | None = None,
) -> Cone:
    """What one evaluation computes of several windows together: of each layer, the rows that any of them needs.

    Args:
        cones: one a window.
        branches: rows of each window.
        caches: of each window; where a layer has some, attention is each window's own and needs no joint mask.
        device: of the masks.
    """
    first = cones[0]
    if all(c == first for c in cones):
        return first
    inputs = _hull([c.inputs for c in cones])
    layers = tuple(_hull(parts) for parts in zip(*(c.layers for c in cones), strict=True))
    whole = Cone(inputs, layers, ())
    made: dict[tuple, Mask] = {}
    masks: list[Mask] = []
    for layer in range(len(layers)):
        if caches is not None and caches[0][layer] is not None:
            masks.append(None)
            continue
        key = (layers[layer], whole.entering(layer), *(id(c.masks[layer]) for c in cones))
        key += tuple((c.layers[layer], c.entering(layer)) for c in cones)
        if key not in made:
            made[key] = _mask(cones, layer, whole, branches, device)
        masks.append(made[key])
    return Cone(inputs, layers, tuple(masks))


def _mask(cones: Sequence[Cone], layer: int, whole: Cone, branches: int, device: torch.device | None) -> Mask:
    given, entering = whole.layers[layer], whole.entering(layer)
    own_masks = [c.masks[layer] for c in cones]
    of_one_size = all((c.layers[layer], c.entering(layer)) == (given, entering) for c in cones)
    if of_one_size and not any(map(torch.is_tensor, own_masks)) and len(set(own_masks)) == 1:
        return own_masks[0]
    rows, columns = (torch.arange(part.start, part.stop, device=device) for part in (given, entering))
    itself = rows[:, None] == columns
    allowed = itself.repeat(len(cones), 1, 1)  # rows that nobody asked for see themselves: no row may be empty
    for window, cone in zip(allowed, cones, strict=True):
        queries, keys = cone.layers[layer], cone.entering(layer)
        own = window[queries.start - given.start : queries.stop - given.start]
        own.zero_()
        own[:, keys.start - entering.start : keys.stop - entering.start] = _allowed(cone.masks[layer], own)
    return allowed.repeat_interleave(branches, 0)[:, None]


def _allowed(mask: Mask, rows: Tensor) -> Tensor | bool:
    if isinstance(mask, int):
        blocks = torch.arange(len(rows), device=rows.device) // mask
        return blocks[:, None] == blocks
    return True if mask is None else mask


def _hull(parts: Sequence[range]) -> range:
    return range(min(p.start for p in parts), max(p.stop for p in parts))


def _padded(rows: Tensor, length: int) -> Tensor:
    return rows if len(rows) == length else torch.cat([rows, rows.new_zeros(length - len(rows), rows.shape[1])])


def _repeated(parts: Sequence[Tensor], branches: int) -> Tensor:
    return torch.stack(parts).repeat_interleave(branches, 0)

"""What each network evaluation has to compute of a window: the cone below the rows whose mel is used, and no more.

The last evaluation's velocity is needed for the emitted rows only, and a layer's rows are needed only where a layer above
attends to them. Going down, a layer that looks back adds a block before and one that looks ahead adds a block after, and
below the first layer lie the rows that the evaluation before must give. Frames whose mel is known (an inpainted past) are
attended to, but nobody asks for their velocity. What is left out would have been computed and thrown away.

Rows, layers and masks depend on a window's shape and its place on the block grid, not on where in the stream it lies, so
they are made once for each shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from .attention import OWN, AttentionPattern, Reach

SHAPES = 64  # kept at once
Mask = Tensor | int | None
LARGEST = 2**17  # entries of a mask, above which it is made anew: a prefix that grows never has the same shape twice


@dataclass(frozen=True)
class Cone:
    """What one network evaluation computes of a window. Rows count from the window's first.

    Attributes:
        inputs: rows that enter the network.
        layers: rows that each layer gives out; the last one's are the evaluation's.
        masks: one a layer, boolean ``[rows given out, past + rows that enter]``; None where all is attended to; a number
            where rows attend to their block of so many, and nothing else.
        shape: what determines the masks.
    """

    inputs: range
    layers: tuple[range, ...]
    masks: tuple[Mask, ...] = field(compare=False)
    shape: tuple = ()

    def entering(self, layer: int) -> range:
        """Rows that a layer is given: its keys and values."""
        return self.layers[layer - 1] if layer else self.inputs

    @property
    def outputs(self) -> range:
        """Rows whose velocity is computed."""
        return self.layers[-1]

    @cached_property
    def cuts(self) -> list[slice | None]:
        """What each layer gives out of the rows that it is given; None for all."""
        result = []
        for layer, given in enumerate(self.layers):
            entering = self.entering(layer)
            start = given.start - entering.start
            result.append(None if given == entering else slice(start, start + len(given)))
        return result


def cones(
    pattern: AttentionPattern,
    evaluations: int,
    window: range,
    wanted: range,
    known: int = 0,
    pasts: tuple[int, ...] | None = None,
    device: torch.device | None = None,
) -> tuple[Cone, ...]:
    """What every evaluation of a window has to compute, in order.

    Args:
        pattern: of attention.
        evaluations: in sequence.
        window: absolute frames.
        wanted: those of them whose mel is used.
        known: frames at the window's start that are put where their flow is in every evaluation.
        pasts: frames before the window whose keys and values each layer has cached.
        device: of the masks.
    """
    pasts = pasts or (0,) * len(pattern.layers)
    offset = window.start % pattern.block
    rows = range(wanted.start - window.start, wanted.stop - window.start)
    small = len(window) * (len(window) + max(pasts)) <= LARGEST
    return (_kept if small else _made)(pattern, evaluations, offset, len(window), rows, known, pasts, device)


def _made(
    pattern: AttentionPattern,
    evaluations: int,
    offset: int,
    length: int,
    wanted: range,
    known: int,
    pasts: tuple[int, ...],
    device: torch.device | None,
) -> tuple[Cone, ...]:
    result: list[Cone] = []
    masks: dict[tuple, Mask] = {}
    for _ in range(evaluations):
        inputs, layers = _rows(pattern, offset, length, wanted)
        if result and result[0].layers == layers:
            result.insert(0, result[0])
        else:
            with torch.inference_mode(False):  # kept ones must serve whoever asks next
                made = _masks(pattern, offset, inputs, layers, pasts, masks, device)
            result.insert(0, Cone(inputs, layers, made, (pattern, offset, length, pasts)))
        wanted = range(max(known, inputs.start), inputs.stop)
    return tuple(result)


_kept = lru_cache(SHAPES)(_made)


def _rows(pattern: AttentionPattern, offset: int, length: int, wanted: range) -> tuple[range, tuple[range, ...]]:
    """Rows that enter, and rows that each layer gives out."""
    layers, rows = [], wanted
    for reach in reversed(pattern.layers):
        layers.append(rows)
        rows = _attended(reach, pattern.block, offset, length, rows)
    return rows, tuple(reversed(layers))


def _attended(reach: Reach, block: int, offset: int, length: int, rows: range) -> range:
    first, last = (offset + rows.start) // block, (offset + rows.stop - 1) // block
    start = 0 if reach.back is None else max(0, (first - reach.back) * block - offset)
    stop = length if reach.ahead is None else min(length, (last + reach.ahead + 1) * block - offset)
    return range(start, stop)


def _masks(
    pattern: AttentionPattern,
    offset: int,
    inputs: range,
    layers: tuple[range, ...],
    pasts: tuple[int, ...],
    made: dict[tuple, Mask],
    device: torch.device | None,
) -> tuple[Mask, ...]:
    result = []
    for layer, (reach, given, past) in enumerate(zip(pattern.layers, layers, pasts, strict=True)):
        entering = layers[layer - 1] if layer else inputs
        key = (reach, given, entering, past)
        if key not in made:
            queries = range(offset + given.start, offset + given.stop)
            keys = range(offset + entering.start - past, offset + entering.stop)
            whole = queries == keys and queries.start % pattern.block == 0 == queries.stop % pattern.block
            alone = reach == OWN and whole and len(queries) > pattern.block > 1
            made[key] = pattern.block if alone else pattern.mask(layer, queries, keys, device)
        result.append(made[key])
    return tuple(result)

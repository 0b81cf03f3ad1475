"""Layer placement: which layers look a block back or ahead, written ``0+7``, and what the weights were trained with.

The paper gives no placement, and one evaluation depends on b-p..b+q whatever the order; but weights know the one that
they were trained with. Another can be asked for, and is said of the system in ``trained_otherwise``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from ..attention import FULL, AttentionPattern, placed
from ..errors import StrategyError

TRAINED, NO_LAYER = "trained", "no"
PLACEMENT = {"backward": TRAINED, "forward": TRAINED}


def layers_named(parameter: str, value: object) -> tuple[int, ...] | None:
    """The layers that a value names, in order.

    Args:
        parameter: for errors.
        value: ``0+7`` (or ``0,7``, a list, one number), ``no`` for no layer, ``trained`` for None: those of the weights.

    Raises:
        StrategyError: none of these, or a layer twice.
    """
    if value == TRAINED:
        return None
    if isinstance(value, list | tuple):
        parts = [str(part) for part in value]
    else:
        parts = [] if value == NO_LAYER else [part for part in re.split(r"[+,\s]+", str(value).strip()) if part] or [""]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise StrategyError(
            f"{parameter}={value}: give layers counted from 0, such as 0+7, {NO_LAYER} for none, or {TRAINED}"
        )
    layers = sorted(map(int, parts))
    if twice := [layer for layer, after in itertools.pairwise(layers) if layer == after]:
        raise StrategyError(f"{parameter}={value}: names layer {twice[0]} twice; a layer looks one block far")
    return tuple(layers)


def placement_text(layers: tuple[int, ...] | None) -> str:
    """The inverse of :func:`layers_named`."""
    return TRAINED if layers is None else "+".join(map(str, layers)) or NO_LAYER


def placed_as(pattern: AttentionPattern, block: int, parameters: dict) -> AttentionPattern:
    """The pattern over blocks of ``block`` frames with the layers that ``backward`` and ``forward`` name.

    Raises:
        StrategyError: see :func:`layers_named`, or a layer that the decoder does not have.
    """
    back, ahead = (layers_named(name, parameters[name]) for name in PLACEMENT)
    return pattern if back is None and ahead is None else placed(pattern, block, back, ahead)


def placement_of(layers: Iterable[tuple[int | None, int | None]]) -> tuple[str | None, str | None]:
    """Which layers look back and which ahead, from the reaches of each; None where that is no matter of single blocks."""
    back, ahead = zip(*layers, strict=True)
    return _side(back), _side(ahead)


def _side(reaches: tuple[int | None, ...]) -> str | None:
    if any(blocks not in (0, 1) for blocks in reaches):
        return None
    return placement_text(tuple(layer for layer, blocks in enumerate(reaches) if blocks))


def trained_otherwise(used: AttentionPattern, trained: AttentionPattern) -> str:
    """What the weights were trained with, where it is not what they are used with; else nothing."""
    if used.layers == trained.layers and (used.block == trained.block or set(used.layers) == {FULL}):
        return ""
    if set(trained.layers) == {FULL}:
        return "full attention"
    back, ahead = placement_of((reach.back, reach.ahead) for reach in trained.layers)
    layers = f"layers looking back {back}, ahead {ahead}, " if back and ahead else ""
    return f"{layers}blocks of {trained.block} frames"

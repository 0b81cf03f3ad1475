"""What ``bundle.json`` must look like before anything is made of it: a wrong entry is named, not met as a TypeError later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .attention import AttentionPattern, Reach
from .errors import CheckpointError

TABLES = ("speaker", "tokenizer", "decoder", "prompt", "vocoder", "differences", "decoder_pattern", "source")


def checked_card(card: Any, path: Path) -> dict:
    """The card as read from ``path``.

    Raises:
        CheckpointError: it, or an entry that holds others, is no table.
    """
    if not isinstance(card, dict):
        raise CheckpointError(f"{path}: holds no table of parts; restore it")
    tables = [(name, card[name]) for name in TABLES if name in card]
    tables += [(f"differences, {name}", one) for name, one in tables_of(card.get("differences")).items()]
    for name, value in tables:
        if not isinstance(value, dict):
            raise CheckpointError(f"{path}: {name} is {value!r} and no table; correct it")
    return card


def tables_of(value: Any) -> dict:
    """``value`` where it is a table, else none."""
    return value if isinstance(value, dict) else {}


def pattern_of_card(saved: dict, layers: int, name: str, path: Path) -> AttentionPattern:
    """The attention pattern ``name`` of a decoder of so many layers: the inverse of ``pattern_card``.

    Raises:
        CheckpointError: no pattern, or one for another number of layers.
    """
    block, reaches = saved.get("block"), saved.get("layers")
    if not _whole(block, 1) or not isinstance(reaches, list) or not all(map(_reach, reaches)):
        raise CheckpointError(
            f"{path}: {name}: give block, frames of at least 1, and layers, pairs of blocks back and ahead; correct it"
        )
    if len(reaches) != layers:
        raise CheckpointError(f"{path}: {name} is for {len(reaches)} layers, the decoder has {layers}; train it again")
    return AttentionPattern(block, tuple(Reach(*one) for one in reaches))


def token_ahead_of_card(saved: dict, name: str, path: Path) -> int:
    """Tokens after its own that a token's embedding hears.

    Raises:
        CheckpointError: no number of tokens.
    """
    tokens = saved.get("token_ahead", 0)
    if not _whole(tokens, 0):
        raise CheckpointError(f"{path}: {name}: token_ahead={tokens!r} is no number of tokens; correct it")
    return tokens


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _reach(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(one is None or _whole(one, 0) for one in value)

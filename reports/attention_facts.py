"""The facts of an attention pattern and its window, as a system's description gives them: who sees whom, and the wait."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.inputs import TOKENS_PER_SECOND

FRAME_MS = 10
UNIT = 24  # frames: the grid on which patterns without blocks are drawn


@dataclass(frozen=True, slots=True)
class Latency:
    """Algorithmic latency in ms, by part; None as a whole where the utterance must have ended.

    Attributes:
        own: the frames emitted at once. look_ahead: frames after them that the window holds.
        vocoder: further emissions until the vocoder's own look-ahead and a cross-fade are there.
        tokens: rounding up to whole tokens.
    """

    own: int
    look_ahead: int
    vocoder: int
    tokens: int

    @property
    def total(self) -> int:
        """Their sum, ms."""
        return self.own + self.look_ahead + self.vocoder + self.tokens


@dataclass(frozen=True, slots=True)
class Attention:
    """What the picture shows.

    Attributes:
        layers: (blocks back, blocks ahead) of each; None is without limit.
        block: frames of the pattern's blocks, 1 for none. grid: frames of the window's.
        hop, back, ahead: of the window, in blocks of ``grid``; hop None is the whole utterance.
        cached: keys and values of the past are kept.
        vocoder_frames: that the vocoder looks ahead.
        fade_frames: held back for the cross-fade with the next emission.
        more_frames: looked ahead beside the window's blocks: tokens that the embedding hears, or an overlap.
        token_frames: that a token stands for.
        pauseless_ms: that a player waits to play without a pause; None where the system does not say.
    """

    layers: tuple[tuple[int | None, int | None], ...]
    block: int
    grid: int
    hop: int | None
    back: int | None
    ahead: int | None
    cached: bool
    vocoder_frames: int
    fade_frames: int = 0
    more_frames: int = 0
    token_frames: int = 4
    pauseless_ms: int | None = None

    @property
    def unit(self) -> int:
        """Frames of one cell of the picture."""
        return self.block if self.block > 1 else self.grid if self.grid > 1 else UNIT

    @property
    def reach(self) -> tuple[int | None, int | None]:
        """p and q: blocks before and after its own that one network evaluation depends on."""
        back, ahead = ([reach[side] for reach in self.layers] for side in (0, 1))
        return (None if None in back else sum(back), None if None in ahead else sum(ahead))

    @property
    def latency(self) -> Latency | None:
        """None where the whole utterance must have arrived."""
        if self.hop is None or self.ahead is None:
            return None
        own, look_ahead = self.hop * self.grid, self.ahead * self.grid + self.more_frames
        back = self.vocoder_frames + self.fade_frames
        vocoder = back // own * own  # emissions after the first, until one holds more than it keeps back
        frames = own + look_ahead + vocoder
        rest = -frames % self.token_frames
        return Latency(*(FRAME_MS * part for part in (own, look_ahead, vocoder, rest)))


def attention_of(description: Mapping[str, Any]) -> Attention | None:
    """The facts of a description; None of a system that has no attention pattern, such as a control."""
    pattern, window = description.get("pattern"), description.get("window")
    if not pattern or not window:
        return None
    layers = tuple((back, ahead) for back, ahead in pattern["layers"])
    pauseless_s = description.get("pauseless_latency_s")
    rate = float(description.get("tokens_per_second") or TOKENS_PER_SECOND)  # told where it is not the usual one
    token_frames = round(1000 / FRAME_MS / rate)
    return Attention(
        layers, int(pattern["block"]), int(window["grid"]), window["hop"], window["back"], window["ahead"],
        bool(window.get("cached")), int(description.get("vocoder_future_frames") or 0),
        int(window.get("fade_frames") or 0),
        token_frames * (int(window.get("token_ahead") or 0) + int(window.get("overlap_tokens") or 0)), token_frames,
        None if pauseless_s is None else round(1000 * pauseless_s),
    )  # fmt: skip


def visible(attention: Attention, query: int, key: int) -> float:
    """Share of the layers in which frames of cell ``query`` see some of cell ``key``, 0..1; cells of ``unit`` frames.

    The window counts: what is not in it cannot be seen, whatever the pattern allows.
    """
    low, high = window_around(attention, query)
    if not low <= key <= high:
        return 0.0
    return sum(_sees(reach, query, key) for reach in attention.layers) / len(attention.layers)


def _sees(reach: Sequence[int | None], query: int, key: int) -> bool:
    back, ahead = (math.inf if blocks is None else blocks for blocks in reach)
    return query - back <= key <= query + ahead


def window_around(attention: Attention, query: int) -> tuple[float, float]:
    """First and last cell of the window in which cell ``query`` is emitted."""
    if attention.hop is None:
        return -math.inf, math.inf
    ratio = attention.grid / attention.unit
    first = math.floor(query / (attention.hop * ratio)) * attention.hop * ratio
    low = -math.inf if attention.back is None else first - attention.back * ratio
    high = math.inf if attention.ahead is None else first + (attention.hop + attention.ahead) * ratio - 1
    return math.floor(low) if math.isfinite(low) else low, math.ceil(high) if math.isfinite(high) else high

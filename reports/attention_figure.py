"""What a strategy looks at, as a picture and in words: attention by layer, the window, and what it makes a listener wait.

Everything is read from a system's description (:meth:`streamflow.strategies.base.MadeSystem.describe`), no weights are
needed, and it takes about a millisecond: the picture can follow a slider.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.attention_drawing import layers_svg, mask_svg, window_svg
from reports.attention_facts import FRAME_MS, Attention, attention_of
from reports.formatting import count, number


@dataclass(frozen=True, slots=True)
class AttentionFigure:
    """SVG elements with their titles and alternative texts inside, and what they show in words."""

    pictures: tuple[str, ...]
    words: tuple[str, ...]

    def html(self) -> str:
        """A ``figure`` with its own style, for a page or a ``gr.HTML``."""
        pictures = "".join(f'<div class="attention-picture">{picture}</div>' for picture in self.pictures)
        words = "".join(f"<li>{html.escape(line)}</li>" for line in self.words)
        head = f'<div class="attention-pictures">{pictures}</div>' if pictures else ""
        return f'<figure class="attention">{STYLE}{head}<figcaption><ul>{words}</ul></figcaption></figure>'


def attention_svg(description: Mapping[str, Any]) -> AttentionFigure:
    """Pictures and words of a system's description.

    Args:
        description: ``pattern`` {block, layers}, ``window`` {grid, hop, back, ahead, cached}, ``vocoder_future_frames``,
            ``nfe``, ``trained_otherwise``; as a MadeSystem describes itself.
    """
    name = str(description.get("name") or description.get("strategy") or "this system")
    attention = attention_of(description)
    if attention is None:
        return AttentionFigure((), (f"{name} has no attention pattern: it renders the whole utterance at once.",))
    words = words_of(attention, int(description.get("nfe") or 1))
    if trained := description.get("trained_otherwise"):
        words.append(
            f"The weights were trained otherwise, with {trained}: what is heard is not what training for this gives."
        )
    pictures = (mask_svg(attention), layers_svg(attention), window_svg(attention))
    return AttentionFigure(pictures, tuple(words))


def words_of(attention: Attention, nfe: int = 1) -> list[str]:
    """The picture in sentences: receptive field, window, hop, algorithmic latency with its parts."""
    return [_receptive(attention, nfe), _window(attention), _waiting(attention)]


def _receptive(attention: Attention, nfe: int) -> str:
    (back, ahead), unit = attention.reach, "blocks" if attention.block > 1 else "frames"
    sides = f"{_blocks(back, attention.block)} before (p) and {_blocks(ahead, attention.block)} after (q)"
    own = f"blocks of {attention.block * FRAME_MS} ms" if unit == "blocks" else "single frames of 10 ms"
    within = ", as far as the window goes" if None in (back, ahead) and attention.hop is not None else ""
    more = (
        f"; {nfe} evaluations reach up to {nfe} times as far, within the window" if nfe > 1 and (back or ahead) else ""
    )
    layers = count(len(attention.layers), "layer")
    return f"Receptive field of one evaluation, {layers} over {own}: {sides} its own{within}{more}."


def _blocks(blocks: int | None, block: int) -> str:
    if blocks is None:
        return "everything"
    return f"{blocks} ({number(blocks * block * FRAME_MS, 0)} ms)" if blocks else "nothing"


def _window(attention: Attention) -> str:
    if attention.hop is None:
        return "Window: the whole utterance at once."
    hop, back, ahead = (_stretch(blocks, attention.grid) for blocks in (attention.hop, attention.back, attention.ahead))
    kept = ", of which keys and values are kept" if attention.cached else ""
    more = f" and {number(attention.more_frames * FRAME_MS, 0)} ms of tokens" if attention.more_frames else ""
    return f"Window: {back} of history{kept}, {hop} emitted at once (hop), {ahead}{more} of look-ahead."


def _stretch(blocks: int | None, grid: int) -> str:
    return "everything" if blocks is None else f"{number(blocks * grid * FRAME_MS, 0)} ms"


def _waiting(attention: Attention) -> str:
    latency = attention.latency
    if latency is None:
        return "Algorithmic latency: the whole utterance must have arrived before the first sample can be heard."
    parts = [(latency.own, "own block"), (latency.look_ahead, "look-ahead"), (latency.vocoder, "vocoder's look-ahead")]
    parts.append((latency.tokens, "whole tokens"))
    told = " + ".join(f"{number(ms, 0)} ms {part}" for ms, part in parts if ms)
    on = "" if attention.pauseless_ms is None else f" To play without a pause: {number(attention.pauseless_ms, 0)} ms."
    return f"Algorithmic latency: {number(latency.total, 0)} ms = {told}.{on}"


STYLE = """<style>
.attention{margin:0;color:var(--ink,#1b1f23);font:400 .9rem/1.45 var(--text,system-ui,sans-serif)}
.attention-pictures{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start}
.attention-picture svg{display:block;max-width:100%;height:auto}
.attention-picture text{fill:var(--quiet,#57606a);font:400 11px var(--text,system-ui,sans-serif)}
.attention-picture text.head{fill:var(--ink,#1b1f23);font-weight:600;font-size:12px}
.attention .cell{fill:var(--accent,#0d5cbc)}.attention .none{fill:var(--sunken,#eceff2)}
.attention .window{fill:none;stroke:var(--ink,#1b1f23);stroke-width:1.5}
.attention .now{fill:none;stroke:var(--warn,#7a5200);stroke-width:2}
.attention .axis{stroke:var(--edge,#848c94)}
.attention .past{fill:var(--reference,#868e96)}.attention .own{fill:var(--accent,#0d5cbc)}
.attention .ahead{fill:var(--warn,#7a5200)}.attention .vocoder{fill:var(--good,#12694f)}
.attention figcaption ul{margin:.5rem 0 0;padding-inline-start:1.2rem;max-width:75ch}
</style>"""

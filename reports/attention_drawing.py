"""The three pictures of an attention pattern: the mask in blocks, the layers' reaches, the window on a time axis."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

from reports.attention_facts import FRAME_MS, Attention, Latency, visible, window_around
from reports.formatting import number

CELLS = 8  # blocks to a side of the mask
SIDE = 26  # px of a cell
SHOWN = 4  # blocks to either side in the picture of the layers
WIDTH = 330  # px, which a phone has


def mask_svg(attention: Attention) -> str:
    """Queries down, keys across; the darker a cell, the more layers see it; framed, the window of one emission."""
    left, top = 46, 42
    body = [
        _text(0, 12, "What each block looks at", "head"),
        _text(left, 30, "keys (time →)"),
        _down(12, top, "queries (time →)"),
    ]
    for query in range(CELLS):
        for key in range(CELLS):
            share = visible(attention, query, key)
            x, y = left + key * SIDE, top + query * SIDE
            body.append(f'<rect class="none" x="{x}" y="{y}" width="{SIDE - 1}" height="{SIDE - 1}"/>')
            if share:
                body.append(_cell(attention, x, y, share, own=query == key))
    body.append(_window_frame(attention, left, top))
    unit = number(attention.unit * FRAME_MS, 0)
    body.append(_text(left, top + CELLS * SIDE + 16, f"a cell: {unit} ms; framed: one window"))
    alt = f"Attention mask of {CELLS} by {CELLS} cells of {unit} ms: " + "; ".join(
        _row_words(attention, row) for row in (3, 4)
    )
    return _svg(WIDTH, top + CELLS * SIDE + 24, body, alt)


def _cell(attention: Attention, x: int, y: int, share: float, *, own: bool) -> str:
    opacity = f'opacity="{0.25 + 0.75 * share:.2f}"'
    if own and attention.block == 1 and attention.reach[1] == 0:  # causal frame by frame: half of its own cell
        return f'<path class="cell" {opacity} d="M{x} {y}l{SIDE - 1} {SIDE - 1}h{1 - SIDE}z"/>'
    return f'<rect class="cell" {opacity} x="{x}" y="{y}" width="{SIDE - 1}" height="{SIDE - 1}"/>'


def _window_frame(attention: Attention, left: int, top: int) -> str:
    low, high = window_around(attention, CELLS // 2)
    first, last = max(low, 0), min(high, CELLS - 1)
    hop = CELLS if attention.hop is None else max(1, round(attention.hop * attention.grid / attention.unit))
    row = 0 if attention.hop is None else CELLS // 2 // hop * hop
    rows = min(hop, CELLS - row)
    x, y = left + first * SIDE - 1, top + row * SIDE - 1
    return (
        f'<rect class="window" x="{x:g}" y="{y}" width="{(last - first + 1) * SIDE + 1:g}" height="{rows * SIDE + 1}"/>'
    )


def _row_words(attention: Attention, query: int) -> str:
    seen = [str(key + 1) for key in range(CELLS) if visible(attention, query, key)]
    return f"cell {query + 1} sees {', '.join(seen)}"


def layers_svg(attention: Attention) -> str:
    """A row a layer, from the first at the bottom: the blocks it sees around its own."""
    left, top, step = 46, 42, 15
    rows, middle = len(attention.layers), SHOWN
    body = [
        _text(0, 12, "Layer by layer", "head"),
        _text(left, 30, "blocks before"),
        _text(left + 6 * SIDE, 30, "after"),
    ]
    for index, (back, ahead) in enumerate(attention.layers):
        y = top + (rows - 1 - index) * step
        body.append(_text(0, y + 10, f"{index + 1}"))
        for column in range(2 * SHOWN + 1):
            apart = column - middle
            seen = -(SHOWN if back is None else back) <= apart <= (SHOWN if ahead is None else ahead)
            kind = "cell" if seen else "none"
            pale = ' opacity="0.6"' if seen and apart else ""
            body.append(
                f'<rect class="{kind}"{pale} x="{left + column * SIDE}" y="{y}" width="{SIDE - 1}" height="{step - 2}"/>'
            )
        for sign, endless in ((-1, back is None), (1, ahead is None)):
            if endless:
                x = left - 10 if sign < 0 else left + (2 * SHOWN + 1) * SIDE + 2
                body.append(_text(x, y + 10, "«" if sign < 0 else "»"))
    body.append(
        f'<rect class="now" x="{left + middle * SIDE - 1}" y="{top - 2}" width="{SIDE + 1}" height="{rows * step + 2}"/>'
    )
    height = top + rows * step
    note = "framed: its own" + ("; « » without limit" if any(None in reach for reach in attention.layers) else "")
    body.append(_text(left, height + 16, note))
    told = "; ".join(f"layer {i + 1} {_limit(b)} back, {_limit(a)} ahead" for i, (b, a) in enumerate(attention.layers))
    return _svg(WIDTH, height + 24, body, f"Blocks that each layer sees: {told}")


def _limit(blocks: int | None) -> str:
    return "no limit" if blocks is None else str(blocks)


def window_svg(attention: Attention) -> str:
    """History, hop, look-ahead and what the vocoder waits for, along the time axis in ms from the emission's beginning."""
    latency = attention.latency
    if latency is None:
        return ""
    history = None if attention.back is None else attention.back * attention.grid * FRAME_MS
    shown = latency.total * 0.6 if history is None else history
    parts = _parts(latency, shown)
    scale = (WIDTH - 20) / (shown + latency.total)

    def at(ms: float) -> float:
        return 10 + (ms + shown) * scale

    body = [_text(0, 12, "The window and the wait", "head")]
    for kind, begin, length, _ in parts:
        place = f'x="{at(begin):.1f}" y="24" width="{max(1, length * scale - 1):.1f}" height="26"'
        body.append(f'<rect class="{kind}" {place}/>')
    if history is None:
        body.append('<text class="on" x="12" y="42">«</text>')
    body.append(_ticks(at, [-shown] * (history is not None) + [0, latency.own, latency.total]))
    told = []
    for row, (kind, _, length, words) in enumerate(parts):
        size = "everything before" if kind == "past" and history is None else f"{number(length, 0)} ms"
        told.append(f"{words} {size}")
        key = f'<rect class="{kind}" x="10" y="{90 + 18 * row}" width="12" height="12"/>'
        body.append(key + _text(28, 100 + 18 * row, f"{words}: {size}"))
    alt = f"Window of one emission: {', '.join(told)}; algorithmic latency {number(latency.total, 0)} ms"
    return _svg(WIDTH, 106 + 18 * len(parts), body, alt)


def _parts(latency: Latency, history: float) -> list[tuple[str, float, float, str]]:
    """(kind, begin, length, words) in ms, those that there are."""
    parts = [
        ("past", -history, history, "history"),
        ("own", 0, latency.own, "hop"),
        ("ahead", latency.own, latency.look_ahead, "look-ahead"),
        ("vocoder", latency.own + latency.look_ahead, latency.vocoder + latency.tokens, "vocoder, whole tokens"),
    ]
    return [part for part in parts if part[2]]


def _ticks(at: Callable[[float], float], places: list[float]) -> str:
    made, last = [], -math.inf
    for ms in sorted(set(places)):
        made.append(f'<path class="axis" d="M{at(ms):.1f} 50v5"/>')
        if at(ms) - last > 38:
            anchor = "end" if at(ms) > WIDTH - 30 else "middle" if at(ms) > 30 else "start"
            made.append(f'<text x="{at(ms):.1f}" y="67" text-anchor="{anchor}">{number(ms, 0)}</text>')
            last = at(ms)
    return "".join(made) + _text(10, 80, "time (ms) from the beginning of what is emitted")


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text{mark} x="{x:g}" y="{y:g}">{html.escape(words)}</text>'


def _down(x: int, y: int, words: str) -> str:
    return f'<text transform="translate({x + 20} {y}) rotate(90)">{html.escape(words)}</text>'


def _svg(width: int, height: int, body: list[str], alt: str) -> str:
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} aria-label="{html.escape(alt)}">{"".join(body)}</svg>'

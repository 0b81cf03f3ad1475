"""One utterance by several systems, side by side on one time axis: HTML that needs no script.

For each: waveform with its seams, spectrogram, F0 over the reference's, when its audio arrived against when it was played,
and what each chunk cost; then every metric with the ceilings. Sizes of text and strokes do not depend on the width:
the pictures stretch, the words around them stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import jinja2
import numpy as np

from reports.colours import LIGHT, appearances
from reports.formatting import count, number, seconds
from reports.side_by_side_panels import Panel, Row, Strip, axis_ticks, panels_of, work_rates
from reports.side_by_side_table import metric_table
from reports.spectrogram import power_db

SAMPLE_RATE = 16_000
REFERENCE = "reference"
TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent / "static" / "side_by_side.css"


class RenderingLike(Protocol):
    """What is shown of a rendering; :class:`harness.live.result.LiveRendering` is one."""

    samples: np.ndarray
    trace: Sequence[Mapping[str, Any]]
    seams: Sequence[int]
    scores: Sequence[Mapping[str, Any]]
    description: Mapping[str, Any]
    control: bool
    f0_hz: np.ndarray
    latency: Mapping[str, Any]


class ResultLike(Protocol):
    """What is shown; :class:`harness.live.result.LiveResult` is one."""

    reference: np.ndarray
    reference_f0_hz: np.ndarray
    renderings: Mapping[str, RenderingLike]
    failed: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the page: the reference (slot None) or a system."""

    name: str
    slot: int | None
    symbol: str
    colour: str
    note: str
    panels: list[Panel]
    chunks: list[tuple[str, ...]]


def side_by_side(result: ResultLike, *, help_link: str = "") -> str:
    """An HTML fragment, style included; every text in it is escaped.

    Args:
        result: audio float32 at 16 kHz, F0 in Hz every 5 ms (NaN or 0 unvoiced), rows of chunks and of scores.
        help_link: where the metrics are explained, to which ``#metric-NAME`` is added; no links without it.
    """
    strip = _strip(result)
    looks = appearances(result.renderings)
    reference = Strip.row(result.reference, result.reference_f0_hz)
    rows = [Shown(REFERENCE, None, "", "", "the recording", panels_of(strip, reference, None), [])]
    for name, rendering in result.renderings.items():
        look, row = looks[name], _row(rendering)
        note, panels = _note(rendering), panels_of(strip, row, reference)
        rows.append(Shown(name, look.slot, look.symbol, LIGHT[look.slot], note, panels, _chunk_rows(rendering)))
    table = metric_table(result.renderings, looks)
    return _template().render(
        rows=rows, ticks=axis_ticks(strip.seconds), table=table, failed=dict(result.failed), text=result.text,
        help=help_link, style=STYLE.read_text(encoding="utf-8"), chunk_heads=CHUNK_HEADS,
    )  # fmt: skip


def _row(rendering: RenderingLike) -> Row:
    """A ceiling is rendered in one piece: it has neither seams nor chunks to show."""
    streamed = ((), ()) if rendering.control else (rendering.seams, rendering.trace)
    return Strip.row(rendering.samples, rendering.f0_hz, *streamed)


def _strip(result: ResultLike) -> Strip:
    """What all rows share: the time axis, full scale of the waveforms, the spectrograms' brightest level, F0 range."""
    signals = [np.asarray(result.reference), *(np.asarray(r.samples) for r in result.renderings.values())]
    longest = max(len(samples) for samples in signals) / SAMPLE_RATE
    loudest = max(float(np.abs(samples).max(initial=0)) for samples in signals)
    level = float(power_db(signals[0], SAMPLE_RATE).max()) if len(signals[0]) else 0.0
    voiced = np.nan_to_num(np.asarray(result.reference_f0_hz, np.float64))
    voiced = voiced[voiced > 0]
    low, high = np.percentile(voiced, (2, 98)) if len(voiced) else (90.0, 270.0)
    streams = [r.trace for r in result.renderings.values() if not r.control]
    waits = [float(chunk["arrived_s"]) for trace in streams for chunk in trace]
    rates = [rate for trace in streams for rate in work_rates(trace)]
    dearest = (
        1.05 * float(np.percentile(rates, 98)) if rates else 1.0
    )  # a last chunk of few samples stands out at the top
    span = (float(low) / 2 ** (1 / 3), float(high) * 2 ** (1 / 3))
    return Strip(longest, max(loudest, 1e-3), level, span, max([longest, *waits]), max(dearest, 0.01))


def _note(rendering: RenderingLike) -> str:
    """What a system makes one wait, in a line."""
    if rendering.control:
        return "a ceiling, not a decoder"
    facts, made = rendering.latency, [count(len(rendering.seams), "seam")]
    if facts.get("first_packet_s") is not None:
        made.insert(0, f"first packet {seconds(facts['first_packet_s'])}")
    if facts.get("algorithmic_latency_s") is not None:
        made.append(f"algorithmic latency {seconds(facts['algorithmic_latency_s'])}")
    if facts.get("pauseless_latency_s") is not None:
        made.append(f"{seconds(facts['pauseless_latency_s'])} to play without a pause")
    if facts.get("rtf") is not None:
        made.append(f"real-time factor {number(facts['rtf'], 2)}")
    return " · ".join(made)


CHUNK_HEADS = ("chunk", "begins (s)", "length (ms)", "arrived (s)", "acoustic model (ms)", "vocoder (ms)", "other (ms)")


def _chunk_rows(rendering: RenderingLike) -> list[tuple[str, ...]]:
    if rendering.control:
        return []
    return [
        (
            str(index + 1),
            number(chunk["start_sample"] / SAMPLE_RATE, 2),
            number(1000 * chunk["samples"] / SAMPLE_RATE, 0),
            number(chunk["arrived_s"], 3),
            *(number(1000 * chunk[part], 1) for part in ("dit_s", "vocoder_s", "other_s")),
        )
        for index, chunk in enumerate(rendering.trace)
    ]


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.get_template("side_by_side.html.j2")

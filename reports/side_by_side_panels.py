"""The pictures of one row of the side-by-side view, all on the same time axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.metrics.f0 import FRAME_MS
from reports.formatting import count, number, seconds
from reports.png import data_uri
from reports.spectrogram import spectrogram_png

SAMPLE_RATE = 16_000
WIDTH, HEIGHT = 1000, 100  # units of a view box that the page stretches
STRETCHES = 800  # of the time axis, each with its lowest and highest sample
SEAM = 16  # units: the length of a seam's tick
COLUMNS, ROWS, COLOURS = 480, 80, 24  # of a spectrogram
F0_TICKS = (60, 80, 100, 150, 200, 300, 400, 600)  # Hz
PARTS = (("dit_s", "dit", "acoustic model"), ("vocoder_s", "vocoder", "vocoder"), ("other_s", "other", "other"))


@dataclass(frozen=True, slots=True)
class Row:
    """One signal and what is known of it."""

    samples: np.ndarray
    hertz: np.ndarray
    seams: tuple[int, ...] = ()
    trace: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Strip:
    """What all rows share.

    Attributes:
        seconds: of the longest signal: the time axis. loudest: full height of the waveforms, full scale 1.
        level_db: the spectrograms' brightest colour. span: F0 axis, Hz.
        latest: top of the arrival axis, s. dearest: top of the compute axis, s of work a s of speech.
    """

    seconds: float
    loudest: float
    level_db: float
    span: tuple[float, float]
    latest: float
    dearest: float

    @staticmethod
    def row(
        samples: np.ndarray, hertz: np.ndarray, seams: Sequence[int] = (), trace: Sequence[Mapping[str, Any]] = ()
    ) -> Row:
        """A row, its contour without NaN."""
        return Row(
            np.asarray(samples, np.float32), np.nan_to_num(np.asarray(hertz, np.float64)), tuple(seams), tuple(trace)
        )


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at ``at`` percent of an axis (from the left, or from the top)."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture with its vertical axis.

    Attributes:
        kind: for the style. title: what is drawn. unit: of the vertical axis. alt: the same in words.
        paths: (class, ``d``) in a view box of WIDTH x HEIGHT, the whole time axis.
        image: a data URI instead, over ``width`` percent of the time axis.
        ticks: of the vertical axis. keys: (class, words) of what is drawn.
    """

    kind: str
    title: str
    unit: str
    alt: str
    paths: list[tuple[str, str]] = field(default_factory=list)
    image: str = ""
    width: float = 100.0
    ticks: list[Tick] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)


def axis_ticks(length: float) -> list[Tick]:
    """Labels of the time axis, some six of them at round seconds."""
    step = _round_step(length / 6)
    return (
        [Tick(100 * at / length, f"{at:g}") for at in _multiples(step, length) if at < 0.97 * length] if length else []
    )


def panels_of(strip: Strip, row: Row, reference: Row | None) -> list[Panel]:
    """All that is drawn of one signal; the reference has no reference of its own, and a row without trace no chunks."""
    panels = [waveform_panel(strip, row), spectrogram_panel(strip, row), f0_panel(strip, row, reference)]
    if row.trace:
        panels += [arrival_panel(strip, row), compute_panel(strip, row)]
    return panels


def waveform_panel(strip: Strip, row: Row) -> Panel:
    """The envelope on the common scale, ticks from above and below at seams."""
    length = len(row.samples) / SAMPLE_RATE
    seams = [seam / SAMPLE_RATE for seam in row.seams]
    told = f", seams at {', '.join(number(seam, 2) for seam in seams[:40])} s" if seams else ""
    ticks = "".join(f"M{x} 0v{SEAM}M{x} {HEIGHT - SEAM}v{SEAM}" for x in (_x(strip, seam) for seam in seams))
    paths = [("wave", envelope(row.samples, strip)), ("seam", ticks)]
    top = number(strip.loudest, 2)
    return Panel(
        "wave", "Waveform", "amplitude, full scale 1", f"Waveform of {number(length, 2)} s{told}",
        paths=[path for path in paths if path[1]], ticks=[Tick(5, top), Tick(50, "0"), Tick(95, f"−{top}")],
        keys=[("seam", count(len(seams), "seam"))] if seams else [],
    )  # fmt: skip


def envelope(samples: np.ndarray, strip: Strip) -> str:
    """The outline of the lowest and the highest sample in each of some 800 stretches of the time axis."""
    if not len(samples):
        return ""
    stretch = max(1, round(strip.seconds * SAMPLE_RATE / STRETCHES))
    starts = np.arange(0, len(samples), stretch)
    xs = (starts + stretch / 2) / SAMPLE_RATE / strip.seconds * WIDTH
    high = HEIGHT / 2 * (1 - np.maximum.reduceat(samples, starts) / strip.loudest)
    low = HEIGHT / 2 * (1 - np.minimum.reduceat(samples, starts) / strip.loudest)
    above = [f"{x:.1f} {y:.1f}" for x, y in zip(xs, high, strict=True)]
    below = [f"{x:.1f} {y:.1f}" for x, y in zip(xs[::-1], low[::-1], strict=True)]
    return f"M{'L'.join([*above, *below])}z"


def spectrogram_panel(strip: Strip, row: Row) -> Panel:
    """Power in dB below the loudest point of the reference, 70 dB deep."""
    small = {"most_frames": COLUMNS, "most_rows": ROWS, "colours": COLOURS}
    png = spectrogram_png(row.samples, SAMPLE_RATE, strip.level_db, **small) if len(row.samples) else b""
    return Panel(
        "spectrogram", "Spectrogram", "kHz", "Spectrogram from 0 to 8 kHz, 70 dB below the reference's loudest point",
        image=data_uri(png, "image/png"), width=100 * len(row.samples) / SAMPLE_RATE / strip.seconds,
        ticks=[Tick(2, "8"), Tick(50, "4"), Tick(98, "0")],
    )  # fmt: skip


def f0_panel(strip: Strip, row: Row, reference: Row | None) -> Panel:
    """The contour over the reference's; log frequency, gaps where unvoiced."""
    paths = [("own" if reference is not None else "reference", contour(row.hertz, strip))]
    keys = []
    if reference is not None:
        paths.insert(0, ("reference", contour(reference.hertz, strip)))
        keys = [("own", "this system"), ("reference", "reference")]
    voiced = row.hertz[row.hertz > 0]
    alt = (
        f"F0 contour, median {number(float(np.median(voiced)), 0)} Hz" if len(voiced) else "F0 contour: nothing voiced"
    )
    low, high = strip.span
    ticks = [Tick(_height(hz, strip), str(hz)) for hz in F0_TICKS if 1.04 * low < hz < high / 1.04]
    return Panel("f0", "F0", "Hz", alt, paths=[path for path in paths if path[1]], ticks=ticks, keys=keys)


def contour(hertz: np.ndarray, strip: Strip) -> str:
    """The ``d`` of an F0 contour on the common axes."""
    parts, before = [], False
    for index, value in enumerate(hertz):
        inside = bool(strip.span[0] <= value <= strip.span[1])
        if inside:
            x = WIDTH * index * FRAME_MS / 1000 / strip.seconds
            parts.append(f"{'L' if before else 'M'}{x:.1f} {_height(value, strip) * HEIGHT / 100:.1f}")
        before = inside
    return "".join(parts)


def _height(hertz: float, strip: Strip) -> float:
    """Percent from the top on the logarithmic F0 axis."""
    low, high = (math.log(end) for end in strip.span)
    return 100 * (1 - (math.log(hertz) - low) / (high - low))


def arrival_panel(strip: Strip, row: Row) -> Panel:
    """When audio had arrived, as steps, against when it is played if playing begins with the first packet.

    Where the steps lie above the line, playing had to wait: an under-run, which a buffer of so much would bridge.
    """
    first = float(row.trace[0]["arrived_s"])

    def point(at: float, arrived: float) -> str:
        return f"{_x(strip, at)} {HEIGHT * (1 - min(arrived, strip.latest) / strip.latest):.1f}"

    steps, late = [], []
    for chunk in row.trace:
        begin, arrived = chunk["start_sample"] / SAMPLE_RATE, float(chunk["arrived_s"])
        steps.append(f"M{point(begin, arrived)}L{point(begin + chunk['samples'] / SAMPLE_RATE, arrived)}")
        late.append(arrived - first - begin)
    length, behind = len(row.samples) / SAMPLE_RATE, max(late)
    missed = sum(wait > 1e-9 for wait in late)
    told = (
        f"{missed} of {count(len(late), 'chunk')} late, at most by {seconds(behind)}"
        if missed
        else "every chunk in time"
    )
    keys = [("own", "arrived"), ("playing", "played, from the first packet on"), ("late" if missed else "", told)]
    playing = f"M{point(0, first)}L{point(length, first + length)}"
    alt = f"Arrival of {count(len(late), 'chunk')}, the first at {number(first, 2)} s: {told}"
    ticks, paths = _scale(strip.latest), [("playing", playing), ("own", "".join(steps))]
    return Panel("arrival", "Arrival", "s since the stream began", alt, paths=paths, ticks=ticks, keys=keys)


def compute_panel(strip: Strip, row: Row) -> Panel:
    """Work a second of speech, chunk by chunk: an area is the work itself, and 1 is real time."""
    top, stacks = strip.dearest, {kind: [] for _, kind, _ in PARTS}
    for chunk in row.trace:
        length = chunk["samples"] / SAMPLE_RATE
        width, below = max(1.0, WIDTH * length / strip.seconds - 1.5), 0.0
        for part, kind, _ in PARTS:
            high = HEIGHT * float(chunk[part]) / length / top
            place = f"M{_x(strip, chunk['start_sample'] / SAMPLE_RATE)} {HEIGHT - below:.1f}"
            stacks[kind].append(f"{place}h{width:.1f}v{-high:.2f}h{-width:.1f}z")
            below += high
    total, length = sum(float(chunk["compute_s"]) for chunk in row.trace), len(row.samples) / SAMPLE_RATE
    alt = f"Compute of {count(len(row.trace), 'chunk')}: {number(total, 2)} s for {number(length, 2)} s of speech"
    paths = [(kind, "".join(made)) for kind, made in stacks.items()]
    keys = [(kind, words) for _, kind, words in PARTS]
    return Panel("compute", "Compute", "s of work a s of speech", alt, paths=paths, ticks=_scale(top), keys=keys)


def work_rates(trace: Sequence[Mapping[str, Any]]) -> list[float]:
    """Seconds of work a second of speech, chunk by chunk."""
    return [float(chunk["compute_s"]) * SAMPLE_RATE / chunk["samples"] for chunk in trace]


def _x(strip: Strip, at_s: float) -> str:
    return f"{WIDTH * at_s / strip.seconds:.1f}"


def _scale(top: float) -> list[Tick]:
    """Some three labels of an axis from 0 at the bottom to ``top``."""
    step = _round_step(top / 2.5)
    return [Tick(100 * (1 - at / top), f"{at:g}") for at in _multiples(step, top)]


def _multiples(step: float, top: float) -> list[float]:
    return [round(index * step, 6) for index in range(math.floor(top / step + 1e-9) + 1)]


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least ``rough``."""
    power = 10 ** math.floor(math.log10(max(rough, 1e-9)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)

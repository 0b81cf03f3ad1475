"""The way to the first sound: tokens waited for, DiT, vocoder, rest."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pandas as pd

from harness.latency import Bench, first_packets
from reports.comparison import Comparison
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure
from reports.latency_bands import shade, wait
from reports.latency_bench import shared_lengths

PARTS = (("waited_s", "tokens"), ("dit_s", "DiT"), ("vocoder_s", "vocoder"), ("other_s", "rest"))
ALPHAS = (0.22, 1.0, 0.55, 0.35)
LEAST_S = 0.8  # that the axis shows, so that all bands are in it
FITS = 0.78  # of the axis: a bar that ends within has its value beside it, a longer one is cut here
MUCH_LONGER = 2.5  # times what the streaming systems need: then the axis is theirs, and the bar is cut


@dataclass(frozen=True, slots=True)
class FirstSound:
    """Means in seconds over the sessions of one system, from the start of the stream to its first sound."""

    system: str
    waited_s: float
    dit_s: float
    vocoder_s: float
    other_s: float
    sessions: int
    quickest_s: float
    slowest_s: float

    @property
    def total_s(self) -> float:
        return self.waited_s + self.dit_s + self.vocoder_s + self.other_s


def first_sounds(comparison: Comparison, bench: Bench | None = None) -> list[FirstSound]:
    """For each system, from the bench's sessions at its shortest length where there are some, else from the run."""
    rows = sessions_of(bench) if bench is not None else None
    if rows is None or rows.empty:
        rows = first_packets(comparison.traces)
    found = []
    for system in comparison.systems:
        of = rows[rows["system"] == system]
        if of.empty:
            continue
        parts = {column: float(of[column].mean()) for column, _ in PARTS}
        totals = of[[column for column, _ in PARTS]].sum(axis=1)
        found.append(FirstSound(system, **parts, sessions=len(of), quickest_s=totals.min(), slowest_s=totals.max()))
    return found


def sessions_of(bench: Bench) -> pd.DataFrame:
    """The bench's sessions that ran alone, at the shortest length, with columns as :data:`PARTS` names them."""
    rows = bench.single
    rows = rows[rows["length_s"].isin(shared_lengths(rows)[:1])]
    return rows.rename(columns={f"{part}_first_s": f"{part}_s" for part in ("dit", "vocoder", "other")})


def first_packet_figure(comparison: Comparison, found: list[FirstSound]) -> Figure:
    """Stacked bars over the bands of perception; a bar far longer than the others is cut, and an arrow says so."""
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * len(found), barmode="stack", bargap=0.35, annotations=[])
    figure.system_rows([first.system for first in found])
    end = _end([first.total_s for first in found])
    shade(figure, end)
    starts = dict.fromkeys((first.system for first in found), 0.0)
    for (column, part), alpha in zip(PARTS, ALPHAS, strict=True):
        widths = []
        for first in found:
            width = min(getattr(first, column), max(0.0, FITS * end - starts[first.system]))
            starts[first.system] += width
            widths.append(round(width, 5))
        figure.bars(
            x=widths,
            y=[html.escape(first.system) for first in found],
            orientation="h",
            customdata=[wait(getattr(first, column)) for first in found],
            hovertemplate=f"%{{y}}<br>{part}: %{{customdata}}<extra></extra>",
            marker={"line": {"width": 0}},
            meta={"role": "systems", "slots": [comparison.appearance[f.system].slot for f in found], "alpha": alpha},
        )
    for first in found:
        cut = first.total_s > FITS * end
        figure.layout["annotations"].append(
            {
                "x": round(min(first.total_s, FITS * end), 5),
                "y": html.escape(first.system),
                "text": ("\u2192 " if cut else "") + wait(first.total_s),
                "showarrow": False,
                "xanchor": "left",
                "xshift": 4,
            }
        )
    figure.axis(
        "xaxis", "from the first token to the first sound (s)", range=[0, round(end, 4)], fixedrange=True, tickmode="array",
        tickvals=_ticks(end), ticktext=[f"{tick:g}" for tick in _ticks(end)],
    )  # fmt: skip
    return figure


def _end(totals: list[float]) -> float:
    """Where the axis ends: by the longest bar that is not many times the others."""
    ordered, kept = sorted(totals), 0.0
    for total in ordered:
        if kept and total > MUCH_LONGER * kept and total > LEAST_S:
            break
        kept = total
    return max(kept / FITS, LEAST_S)


def _ticks(end: float) -> list[float]:
    """The limits of the bands, and whole steps beyond them; few enough for a page of 400 px."""
    step = next(step for step in (0.3, 0.6, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e9) if end / step < 5)
    if step <= 0.3:
        return [tick for tick in (0.1, 0.3, 0.6, 0.9, 1.2) if tick < end]
    return [round(step * i, 1) for i in range(int(end / step) + 1)]

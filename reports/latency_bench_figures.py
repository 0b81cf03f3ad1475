"""Plots of what the bench measured: latency against length, streams beside each other, and what a player makes of it."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

import pandas as pd

from harness.latency import Bench
from harness.latency.slope import usual_chunks
from reports.comparison import Comparison
from reports.figures import Figure, paint
from reports.formatting import number
from reports.latency_bands import shade
from reports.latency_bench import shared_lengths

HEIGHT = 360  # px
LINE = {"width": 2}


def length_figure(comparison: Comparison, bench: Bench) -> Figure | None:
    """Chunk latency against the length of the stream: the median of each repeat pale, their median as a line.

    Chunks of full size, without the first; None below two lengths.
    """
    rows = bench.chunks[bench.chunks["clock"] == "virtual"]
    if rows["length_s"].nunique() < 2:
        return None
    session = ["system", "length_s", "repeat"]
    streaming = rows[rows.groupby(session)["index"].transform("max") > 0]
    medians = usual_chunks(streaming, session).groupby(session, as_index=False)["compute_s"].median()
    if medians.empty:
        return None
    figure = Figure(HEIGHT)
    figure.legend_below()
    _lines(figure, comparison, medians, "length_s", 1000, "compute_s", "%{x:g} s long: %{y:.1f} ms")
    lengths = sorted(rows["length_s"].unique())
    figure.axis("xaxis", "length of the stream (s)", type="log", **_named(lengths))
    figure.axis("yaxis", "compute time of a chunk (ms)", rangemode="tozero")
    return figure


def streams_figures(comparison: Comparison, bench: Bench) -> tuple[Figure, Figure] | None:
    """First-packet latency and real-time factor against the number of streams that ran together; None below two."""
    rows = bench.sessions[bench.sessions["clock"] == "wall"]
    if rows["streams"].nunique() < 2:
        return None
    counts = sorted(rows["streams"].unique())
    packet, factor = Figure(HEIGHT), Figure(HEIGHT)
    for figure, column, scale, told in (
        (packet, "first_packet_s", 1000, "%{x} streams: %{y:.0f} ms"),
        (factor, "rtf", 1, "%{x} streams: %{y:.2f}"),
    ):
        figure.legend_below()
        _lines(figure, comparison, rows.astype({column: float}), "streams", scale, column, told)
        figure.axis("xaxis", "streams at once", tickvals=[int(n) for n in counts], range=[0.5, int(counts[-1]) + 0.5])
    end = 1.1 * float(rows["first_packet_s"].max())
    shade(packet, end, axis="y", scale=1000)
    packet.axis("yaxis", "first-packet latency (ms)", range=[0, round(end * 1000, 3)])
    figure_top = max(1.2, 1.1 * float(rows["rtf"].max()))
    factor.shape(
        "rule", type="line", x0=0, x1=1, xref="paper", y0=1, y1=1, layer="below", line={"width": 1, "dash": "dot"}
    )
    factor.axis("yaxis", "work for 1 s of audio (s)", range=[0, round(figure_top, 3)])
    return packet, factor


def by_token_rate(bench: Bench) -> pd.DataFrame:
    """The rows of ``playout`` that say when the first sound comes: one stream, the shortest, no buffer and no jitter."""
    rows = bench.playout[(bench.playout["streams"] == 1) & (bench.playout["jitter_ms"] == 0)]
    rows = rows[rows["buffer_ms"] == 0]
    return rows[rows["length_s"].isin(shared_lengths(rows)[:1])]


def rate_figure(comparison: Comparison, bench: Bench) -> Figure | None:
    """Time to the first sound, without buffer or jitter, against the rate of tokens; None below two rates.

    Of the shortest stream, since a system that needs the whole utterance waits for its length.
    """
    return rate_figure_of(comparison, by_token_rate(bench))


def rate_figure_of(comparison: Comparison, rows: pd.DataFrame) -> Figure | None:
    """The same from any rows with ``system``, ``tokens_per_second`` and ``first_sound_s``."""
    if rows["tokens_per_second"].nunique() < 2:
        return None
    figure = Figure(HEIGHT)
    figure.legend_below()
    _lines(figure, comparison, rows, "tokens_per_second", 1, "first_sound_s", "%{x:g} tokens/s: %{y:.3f} s")
    low, high = min(0.08, 0.8 * float(rows["first_sound_s"].min())), 1.3 * float(rows["first_sound_s"].max())
    shade(figure, high, axis="y")
    ticks = [tick for tick in (0.01, 0.03, 0.1, 0.3, 0.6, 1, 3, 10, 30, 100, 300) if low <= tick <= high]
    rates = sorted(rows["tokens_per_second"].unique())
    figure.axis("xaxis", "tokens a second", type="log", **_named(rates))
    figure.axis(
        "yaxis", "first sound (s)", type="log", range=[round(math.log10(low), 4), round(math.log10(high), 4)],
        **_named(ticks),
    )  # fmt: skip
    return figure


def playout_figures(comparison: Comparison, bench: Bench) -> dict[str, Figure]:
    """Underrun seconds against the player's buffer, by what the tokens and the network do; the longest stream alone."""
    return {_said(*names): _playout_figure(comparison, rows) for names, rows in players(bench)}


def players(bench: Bench) -> Iterator[tuple[tuple[float, float], pd.DataFrame]]:
    """(token rate, jitter in ms) and the rows of the longest stream that ran alone."""
    rows = bench.playout[bench.playout["streams"] == 1]
    rows = rows[rows["length_s"].isin(shared_lengths(rows)[-1:])]
    for (rate, jitter), part in rows.groupby(["tokens_per_second", "jitter_ms"], sort=True):
        yield (float(rate), float(jitter)), part


def _said(rate: float, jitter: float) -> str:
    network = f"jitter {jitter:g} ms" if jitter else "no jitter"
    return f"{rate:g} tokens/s, {network}"


def _playout_figure(comparison: Comparison, rows: pd.DataFrame) -> Figure:
    figure = Figure(HEIGHT)
    figure.legend_below()
    for system in comparison.systems:
        of = rows[rows["system"] == system].sort_values("buffer_ms")
        if of.empty:
            continue
        look, name = comparison.appearance[system], html.escape(system)
        figure.scatter(
            x=of["buffer_ms"].tolist(),
            y=of["underrun_s"].round(4).tolist(),
            mode="lines+markers",
            line=LINE,
            marker={"size": 8, "symbol": look.symbol},
            name=name,
            customdata=[f"{number(100 * share, 1)} %" for share in of["continuity"]],
            hovertemplate=f"{name}<br>buffer %{{x:g}} ms: %{{y:.3f}} s of silence, continuity %{{customdata}}<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", "buffer before the player starts (ms)", tickvals=sorted(rows["buffer_ms"].unique().tolist()))
    figure.axis("yaxis", "underrun (s of silence)", rangemode="tozero", **_least(rows["underrun_s"].max()))
    return figure


def _least(largest: float) -> dict:
    """An axis for values that may all be 0: plotly would centre it and show negative seconds."""
    return {"range": [0, 1]} if not largest > 0 else {}


def _lines(figure: Figure, comparison: Comparison, rows: pd.DataFrame, x: str, scale: float, y: str, told: str) -> None:
    """A line through the medians at each x, every value pale beside it."""
    for system in comparison.systems:
        of = rows[rows["system"] == system]
        if of.empty:
            continue
        look, name = comparison.appearance[system], html.escape(system)
        middle = of.groupby(x)[y].median() * scale
        figure.scatter(
            x=[float(value) for value in of[x]],
            y=(of[y] * scale).round(4).tolist(),
            mode="markers",
            marker={"size": 5, "symbol": look.symbol},
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
            meta=paint(look, alpha=0.3),
        )
        figure.scatter(
            x=[float(value) for value in middle.index],
            y=middle.round(4).tolist(),
            mode="lines+markers",
            line=LINE,
            marker={"size": 8, "symbol": look.symbol},
            name=name,
            legendgroup=name,
            hovertemplate=f"{name}<br>{told}<extra></extra>",
            meta=paint(look),
        )


def _named(values: list[float]) -> dict:
    return {"tickvals": [float(v) for v in values], "ticktext": [f"{v:g}" for v in values]}

"""Plots of what a player makes of measured streams: silence against buffer, first sound against rate, one stream."""

from __future__ import annotations

import html

import numpy as np

from harness.latency import Player, Timeline
from harness.latency.delivery import Delivered, silence_by_buffer
from reports.comparison import Comparison
from reports.figures import Figure, paint
from reports.formatting import number

HEIGHT = 360  # px
BUFFERS_MS = np.arange(0, 1001, 20)
LEAST_SILENCE_S = 0.1  # that the axis shows, so that next to nothing looks like it


def silence_figure(comparison: Comparison, played: dict[str, list[Delivered]], player: Player) -> Figure | None:
    """Silence in a stream against the player's buffer; a line stands at the buffer chosen.

    Systems that emit the utterance in one piece cannot starve and are left out; None where no other is there.
    """
    figure = Figure(HEIGHT)
    figure.legend_below()
    most = 0.0
    for system in streaming(comparison, played):
        silence_s, continuity = silence_by_buffer(played[system], BUFFERS_MS / 1000)
        look, name = comparison.appearance[system], html.escape(system)
        most = max(most, float(silence_s.max()))
        figure.scatter(
            x=BUFFERS_MS.tolist(),
            y=silence_s.round(4).tolist(),
            mode="lines+markers",
            line={"width": 2},
            marker={"size": 8, "symbol": look.symbol, "maxdisplayed": 8},
            name=name,
            customdata=[f"{number(100 * share, 1)} %" for share in continuity],
            hovertemplate=f"{name}<br>buffer %{{x:g}} ms: %{{y:.3f}} s of silence, continuity %{{customdata}}<extra></extra>",
            meta=paint(look),
        )
    if not figure.data:
        return None
    at = player.buffer_ms
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", line=line, layer="below")
    figure.axis("xaxis", "buffer before the player starts (ms)", range=[-15, 1015])
    figure.axis("yaxis", "silence in a stream (s)", range=[0, round(1.08 * max(most, LEAST_SILENCE_S), 3)])
    return figure


def streaming(comparison: Comparison, played: dict[str, list[Delivered]]) -> list[str]:
    """The systems that emit more than one chunk."""
    found = (system for system in comparison.systems if system in played)
    return [system for system in found if any(stream.late_s.shape[1] > 1 for stream in played[system])]


def timeline_figure(comparison: Comparison, system: str, line: Timeline, player: Player, speech_rate: float) -> Figure:
    """One stream: the audio whose tokens have come, what is at the player, what has sounded; pauses are shaded.

    Args:
        comparison: gives the system its colour.
        system: whose stream it is.
        line: the stream at the player.
        player: how fast tokens come to it.
        speech_rate: tokens a second of its speech.
    """
    figure = Figure(HEIGHT)
    figure.legend_below()
    look, name = comparison.appearance[system], html.escape(system)
    lengths_s = line.ends_s - line.begins_s
    total_s, end_s = float(lengths_s.sum()), float(line.ends_s[-1])
    spoken_s = total_s * speech_rate / player.tokens_per_second  # until all tokens have come
    figure.scatter(
        x=[0, round(spoken_s, 4)], y=[0, round(total_s, 4)], mode="lines", name="tokens in", hoverinfo="skip",
        line={"width": 2, "dash": "dot"}, meta=paint(role="reference"),
    )  # fmt: skip
    there_s = line.position_s + lengths_s
    figure.scatter(
        x=line.delivered_s.round(4).tolist(),
        y=there_s.round(4).tolist(),
        mode="lines+markers",
        line={"width": 2, "shape": "hv"},
        marker={"size": 6, "symbol": look.symbol, "maxdisplayed": 200},
        name=f"{name}: at the player",
        hovertemplate="at %{x:.2f} s: %{y:.2f} s of audio are there<extra></extra>",
        meta=paint(look),
    )
    figure.scatter(
        x=np.stack([line.begins_s, line.ends_s], axis=1).ravel().round(4).tolist(),
        y=np.stack([line.position_s, there_s], axis=1).ravel().round(4).tolist(),
        mode="lines",
        line={"width": 2},
        name="heard",
        hovertemplate="at %{x:.2f} s: %{y:.2f} s have been heard<extra></extra>",
        meta=paint(role="seam"),
    )
    for begin, over in line.pauses:
        for _ in range(3):  # the page has one shade
            figure.shape(
                "band", type="rect", x0=begin, x1=over, y0=0, y1=1, yref="paper", line={"width": 0}, layer="below"
            )
    figure.axis("xaxis", "since the first token was due to come (s)", range=[0, round(1.02 * max(end_s, spoken_s), 3)])
    figure.axis("yaxis", "audio (s)", range=[0, round(1.05 * total_s, 3)])
    return figure

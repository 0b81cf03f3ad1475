"""What a listening test can see, before it is held: the smallest difference against the number of listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.colours import SYMBOLS, Appearance
from reports.figures import Figure, paint

LINES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def planning_figure(
    rows: Sequence[Mapping[str, float]], *, target: float, chosen: tuple[int, float] | None = None
) -> Figure:
    """A line a number of sentences, told apart by marker and dashes; the difference asked for as a rule.

    Args:
        rows: of ``listening_tests.planning.curve``.
        target: the difference asked for, points.
        chosen: listeners and detectable difference of the plan that was found, None for none.
    """
    figure = Figure(380)
    for place, sentences in enumerate(dict.fromkeys(int(row["sentences"]) for row in rows)):
        of = [row for row in rows if row["sentences"] == sentences]
        figure.scatter(
            x=[row["listeners"] for row in of],
            y=[row["detectable"] for row in of],
            mode="lines+markers",
            name=f"{sentences} sentences",
            line={"dash": LINES[place % len(LINES)], "width": 2},
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 7},
            hovertemplate=f"{sentences} sentences<br>%{{x}} listeners: %{{y:.2f}} points<extra></extra>",
            meta=paint(Appearance(place, SYMBOLS[place % len(SYMBOLS)])),
        )
    if chosen is not None:
        figure.scatter(
            x=[chosen[0]],
            y=[chosen[1]],
            mode="markers",
            name="the plan",
            marker={"symbol": "star", "size": 16},
            hovertemplate="the plan: %{x} listeners, %{y:.2f} points<extra></extra>",
            meta=paint(role="reference"),
        )
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0, x1=1, xref="paper", y0=target, y1=target, line=line)
    figure.axis("xaxis", "listeners whose data count", type="log", fixedrange=True)
    figure.axis("yaxis", "smallest difference seen (points)", rangemode="tozero", fixedrange=True)
    figure.legend_below()
    return figure

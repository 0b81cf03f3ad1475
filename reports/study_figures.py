"""Figures of a listening test, from the tables of its analysis (``listening_tests.analysis.analyse.Analysis.content``)."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from reports.colours import Appearance
from reports.figures import FRAME_HEIGHT, ROW_HEIGHT, Figure, paint, whiskers
from reports.formatting import interval, number

Rows = Sequence[Mapping[str, Any]]
Looks = Mapping[str, Appearance]


def interval_figure(
    rows: Rows, looks: Looks, title: str, keys: tuple[str, str, str, str], rule: float | None = None
) -> Figure:
    """A marker with whiskers a row; ``keys`` name the label, the estimate and its bounds, ``rule`` a value to compare with."""
    label, mean, low, high = keys
    figure = Figure(FRAME_HEIGHT + ROW_HEIGHT * max(len(rows), 1))
    figure.system_rows([row[label] for row in rows])
    for row in rows:
        name, centre = html.escape(row[label]), row[mean]
        if centre is None:
            continue
        shown = row[low] is not None and row[high] is not None
        bounds = (row[low], row[high]) if shown else (centre, centre)
        told = f"{number(centre)} ({interval(*bounds)})" if shown else f"{number(centre)}, no interval"
        look = looks.get(row[label]) or looks.get(str(row.get("of", "")))
        figure.scatter(
            x=[centre],
            y=[name],
            mode="markers",
            marker={"symbol": look.symbol if look else "circle", "size": 10},
            error_x=whiskers(centre, *bounds, shown),
            hovertemplate=f"{name}<br>{told}<extra></extra>",
            meta=paint(look) if look else paint(role="reference"),
        )
    if rule is not None:
        line = {"width": 1, "dash": "dot"}
        figure.shape("rule", type="line", x0=rule, x1=rule, y0=0, y1=1, yref="paper", line=line)
    figure.axis("xaxis", title, fixedrange=True)
    return figure


def preference_figure(rows: Rows, looks: Looks) -> Figure:
    """A bar a pair: left the system, middle no preference, right the other one."""
    figure = Figure(FRAME_HEIGHT + 20 + (ROW_HEIGHT + 10) * len(rows), barmode="stack", bargap=0.35)
    names = [f"{row['system']} against {row['against']}" for row in rows]
    figure.system_rows(names)
    parts = (("preferred", "system"), ("neither", ""), ("other", "against"))
    for row, name in zip(rows, names, strict=True):
        total = row["preferred"] + row["neither"] + row["other"]
        for part, whose in parts:
            share, who = 100 * row[part] / total, row[whose] if whose else "no preference"
            look = looks.get(row[whose]) if whose else None
            figure.bars(
                x=[share],
                y=[html.escape(name)],
                orientation="h",
                text=[f"{share:.0f} %" if share >= 8 else ""],
                insidetextanchor="middle",
                hovertemplate=f"{html.escape(who)}: {row[part]} of {total}<extra></extra>",
                meta=paint(look, alpha=0.75) if look else paint(role="reference", alpha=0.35),
            )
    figure.axis("xaxis", "answers (%)", range=[0, 100], fixedrange=True)
    return figure


def box_figure(rows: Rows, looks: Looks) -> Figure:
    """Median, quartiles and Tukey's whiskers a system, computed in the analysis."""
    figure = Figure(FRAME_HEIGHT + (ROW_HEIGHT + 8) * len(rows))
    figure.system_rows([row["system"] for row in rows])
    for row in rows:
        look = looks.get(row["system"])
        figure.data.append({
            "type": "box", "orientation": "h", "y": [html.escape(row["system"])], "q1": [row["q1"]], "median": [row["median"]],
            "q3": [row["q3"]], "lowerfence": [row["low"]], "upperfence": [row["high"]], "hoverinfo": "x", "line": {"width": 2},
            "meta": paint(look) if look else paint(role="reference"),
        })  # fmt: skip
    figure.axis("xaxis", "rating", range=[-2, 102], fixedrange=True)
    return figure


def reliability_figure(rows: Rows) -> Figure:
    """A point a listener: how they go with the others, against how much they differ from them; open where left out."""
    figure = Figure(360)
    for excluded in (False, True):
        of = [row for row in rows if bool(row["excluded"]) is excluded and row["correlation"] is not None]
        figure.scatter(
            x=[row["bias"] for row in of],
            y=[row["correlation"] for row in of],
            mode="markers",
            name="left out" if excluded else "analysed",
            marker={"symbol": "x-thin-open" if excluded else "circle", "size": 10},
            text=[html.escape(f"{row['listener'][:8]} {row['excluded']}".strip()) for row in of],
            hovertemplate="%{text}<br>correlation %{y:.2f}, bias %{x:.2f}<extra></extra>",
            meta=paint(role="seam") if excluded else paint(Appearance(0, "circle"), alpha=0.8),
        )
    figure.axis("xaxis", "mean distance from the others (points)", fixedrange=True)
    figure.axis("yaxis", "correlation with the others", range=[-1.05, 1.05], fixedrange=True)
    figure.legend_below()
    figure.layout["margin"]["b"] = 80
    return figure


def before_after_figure(rows: Rows, looks: Looks, title: str) -> Figure:
    """A line a system over the stages of exclusion."""
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    figure = Figure(340)
    for place, system in enumerate(dict.fromkeys(row["system"] for row in rows)):
        of = [row for row in rows if row["system"] == system]
        look = looks.get(system)
        held = all(row["low"] is not None for row in of)
        error = {"type": "data", "symmetric": False, "thickness": 1.5, "width": 4, "visible": held}
        if held:
            error |= {
                "array": [row["high"] - row["mean"] for row in of],
                "arrayminus": [row["mean"] - row["low"] for row in of],
            }
        shift = 0.05 * (place - 1)  # so that whiskers do not cover each other
        figure.scatter(
            x=[stages.index(row["stage"]) + shift for row in of],
            y=[row["mean"] for row in of],
            mode="lines+markers",
            name=html.escape(system),
            marker={"symbol": look.symbol if look else "circle", "size": 8},
            line={"width": 1},
            error_y=error,
            text=[f"{row['of']} listeners" for row in of],
            hovertemplate=f"{html.escape(system)}<br>%{{y:.2f}}, %{{text}}<extra></extra>",
            meta=paint(look) if look else paint(role="reference"),
        )
    words = [html.escape(stage.removeprefix("after: ")).replace(" ", "<br>") for stage in stages]
    figure.axis(
        "xaxis", tickvals=list(range(len(stages))), ticktext=words, range=[-0.5, len(stages) - 0.5], fixedrange=True
    )
    figure.axis("yaxis", title, fixedrange=True)
    figure.layout["margin"]["b"] = 60
    return figure


def objective_figures(points: Rows, correlations: Rows, looks: Looks) -> dict[str, Figure]:
    """By metric's name: a point a recording, its mean rating against its score."""
    figures = {}
    for identity, name in {row["identity"]: row["metric"] for row in correlations}.items():
        figure = Figure(400)
        for system in dict.fromkeys(row["system"] for row in points):
            of = [row for row in points if row["system"] == system and row["identity"] == identity]
            look = looks.get(system)
            figure.scatter(
                x=[row["score"] for row in of],
                y=[row["rating"] for row in of],
                mode="markers",
                marker={"symbol": look.symbol if look else "circle", "size": 8},
                text=[html.escape(str(row["sentence"])) for row in of],
                hovertemplate=f"{html.escape(system)}<br>%{{text}}<br>%{{x:.3g}}, rated %{{y:.2f}}<extra></extra>",
                meta=paint(look, alpha=0.7) if look else paint(role="reference", alpha=0.7),
            )
        figure.axis("xaxis", name)
        figure.axis("yaxis", "mean rating")
        figures[name] = figure
    return figures

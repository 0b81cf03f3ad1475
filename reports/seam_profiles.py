"""Plots against the distance to the seam: each measure folded over the chunks, and streaming against offline."""

from __future__ import annotations

import html

import pandas as pd

from harness.seams import UNITS
from harness.seams.profiles import MEL_DISTANCE
from reports.comparison import Comparison
from reports.figures import Figure, paint

HEIGHT = 380  # px
KINDS = {**UNITS, MEL_DISTANCE: "dB"}


def folded(comparison: Comparison) -> pd.DataFrame:
    """Mean over utterances, each of its seeds' mean, weighted by frames: system, kind, offset_s, value, n."""
    table = profiles_of(comparison)
    if table.empty:
        return table
    keys = ["system", "kind", "offset_s"]
    table = table.assign(offset_s=table["offset_s"].round(5))
    seeds = table.groupby(["utterance", *keys], sort=False).agg(value=("value", "mean"), n=("n", "mean")).reset_index()
    seeds["weighted"] = seeds["value"] * seeds["n"]
    sums = seeds.groupby(keys, sort=True)[["weighted", "n"]].sum().reset_index()
    sums["value"] = sums["weighted"] / sums["n"]
    return sums[[*keys, "value", "n"]]


def profiles_of(comparison: Comparison) -> pd.DataFrame:
    """The run's table ``profiles``; empty where the run is older than it."""
    read = getattr(comparison.run, "profiles", None)
    columns = ["system", "utterance", "seed", "kind", "offset_s", "value", "n"]
    return pd.DataFrame(columns=columns) if read is None else read()


def profile_figures(comparison: Comparison) -> dict[str, Figure]:
    """By measure: its mean at every distance from the seams, a line a system."""
    table = folded(comparison)
    kinds = [kind for kind in KINDS if kind != MEL_DISTANCE and (table["kind"] == kind).any()] if len(table) else []
    return {kind: _lines(comparison, table[table["kind"] == kind], f"{kind} ({KINDS[kind]})") for kind in kinds}


def distance_figure(comparison: Comparison) -> Figure | None:
    """Mel distance of each streaming system to offline decoding, against the distance to the seam."""
    table = folded(comparison)
    rows = table[table["kind"] == MEL_DISTANCE] if len(table) else table
    if rows.empty:
        return None
    figure = _lines(comparison, rows, "mel distance to offline decoding (dB)")
    figure.layout["yaxis"]["rangemode"] = "tozero"
    return figure


def _lines(comparison: Comparison, rows: pd.DataFrame, title: str) -> Figure:
    figure = Figure(HEIGHT)
    figure.legend_below()
    line = {"width": 1, "dash": "dot"}
    figure.shape("rule", type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line=line, layer="below")
    for system in comparison.systems:
        mine = rows[(rows["system"] == system) & (rows["n"] >= rows.loc[rows["system"] == system, "n"].max() / 4)]
        if mine.empty:
            continue
        look, name = comparison.appearance[system], html.escape(system)
        figure.scatter(
            x=(1000 * mine["offset_s"]).round(2).tolist(),
            y=mine["value"].round(4).tolist(),
            mode="lines+markers",
            line={"width": 2},
            marker={"size": 4, "symbol": look.symbol},
            name=name,
            hovertemplate=f"{name}<br>%{{x}} ms from the seam: %{{y:.3f}}<extra></extra>",
            meta=paint(look),
        )
    figure.axis("xaxis", "distance from the seam (ms)")
    figure.axis("yaxis", title)
    return figure

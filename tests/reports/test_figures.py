"""Figures are what plotly takes, and no name in them can leave its script."""

from __future__ import annotations

import json
import re

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import HELD_BACK

from reports.closeup_figures import closeups
from reports.comparison import SAMPLE_RATE, Comparison
from reports.figures import Figure, to_json
from reports.latency_figures import chunk_latency_figure, quality_latency_figure, time_split_figure
from reports.metric_figures import metric_figure
from reports.seam_figures import seam_figure, z_figure
from reports.seam_tables import seam_measures


@pytest.fixture(scope="module")
def figures(comparison: Comparison) -> list[Figure]:
    found = [chunk_latency_figure(comparison), time_split_figure(comparison)]
    found += [
        make(comparison, metric) for metric in comparison.metrics for make in (metric_figure, quality_latency_figure)
    ]
    found += [seam_figure(comparison, *measure) for measure in seam_measures(comparison)]
    found += [z_figure(comparison, measure) for measure, _ in seam_measures(comparison)]
    return found + [panel["figure"] for panels in closeups(comparison, 2).values() for panel in panels]


def test_plotly_knows_every_attribute(figures: list[Figure]) -> None:
    for figure in figures:
        go.Figure(json.loads(to_json(figure)))  # raises ValueError for an unknown attribute or value


def test_every_axis_says_what_it_shows(figures: list[Figure]) -> None:
    for figure in figures:
        for name, axis in figure.layout.items():
            if re.fullmatch(r"[xy]axis\d*", name) and axis.get("type") != "category":
                assert axis["title"]["text"], f"{name} of {figure.data[0]}"


def test_every_trace_says_whose_colour_it_has(figures: list[Figure], comparison: Comparison) -> None:
    slots = {look.slot for look in comparison.appearance.values()}
    for trace in (trace for figure in figures for trace in figure.data):
        meta = trace["meta"]
        assert meta["role"] in {"system", "systems", "reference", "seam"}
        assert set(meta.get("slots") or [meta["slot"]]) <= slots | {None}
        assert (meta["role"] == "system") <= (meta.get("slot") is not None)


def test_seams_are_where_the_trace_puts_them(comparison: Comparison) -> None:
    panels = {panel["system"]: panel["figure"] for panel in next(iter(closeups(comparison, 1).values()))}
    utterance = next(iter(closeups(comparison, 1)))
    expected = [round(seam / SAMPLE_RATE, 4) for seam in comparison.seams_of["naive", utterance]]
    assert expected and panels["naive"].data[0]["x"] == expected
    held_back = HELD_BACK / SAMPLE_RATE
    assert panels["o'brien & co"].data[0]["x"] == pytest.approx([seam + held_back for seam in expected])
    assert panels["reference"].data[0]["x"] == [] == panels["full"].data[0]["x"]


@given(st.text(alphabet="</script>!-- \u2028&\"'abc") | st.text())
def test_json_in_a_script_neither_ends_it_nor_changes(text: str) -> None:
    written = to_json({"name": text, "figure": Figure(100)})
    assert "<" not in written and "\u2028" not in written
    assert json.loads(written)["name"] == text

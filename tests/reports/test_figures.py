"""Every figure of the report is what plotly takes, and no name in them can leave its script."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import HELD_BACK

from reports.comparison import SAMPLE_RATE, Comparison
from reports.content import content_of
from reports.figures import Figure, to_json
from reports.media import Media
from reports.players import player_row
from reports.waveform import WIDTH


@pytest.fixture(scope="module")
def figures(comparison: Comparison) -> list[Figure]:
    return list(found(content_of(comparison, Media(comparison), 2, 10**8)))


def found(content: object) -> Iterator[Figure]:
    """Every figure in what a template is given."""
    if isinstance(content, Figure):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from found(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from found(value)
    elif dataclasses.is_dataclass(content) and not isinstance(content, type):
        for field in dataclasses.fields(content):
            yield from found(getattr(content, field.name))


def test_every_section_has_figures(figures: list[Figure], comparison: Comparison) -> None:
    assert len(figures) > 5 * len(comparison.metrics)


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
        assert meta["role"] in {"system", "systems", "reference", "seam", "rule"}
        if meta["role"] == "system":
            assert meta["slot"] in slots
        assert set(meta.get("slots") or []) <= slots


def test_seams_are_where_the_trace_puts_them(comparison: Comparison) -> None:
    utterance = comparison.utterances[0]
    players = {player.system: player for player in player_row(comparison, utterance, {}).players}
    starts = {
        system: [float(x) for x in re.findall(r"M([\d.]+) 0V", player.seams)] for system, player in players.items()
    }
    length = round(players["naive"].duration_s * SAMPLE_RATE)
    expected = [seam / length * WIDTH for seam in comparison.seams_of["naive", utterance["utterance_id"]]]
    assert expected and starts["naive"] == pytest.approx(expected, abs=0.06)
    held_back = HELD_BACK / length * WIDTH
    assert starts["o'brien & co"] == pytest.approx([x + held_back for x in expected], abs=0.06)
    assert starts["reference"] == [] == starts["full"]


@given(st.text(alphabet="</script>!-- \u2028&\"'abc") | st.text())
def test_json_in_a_script_neither_ends_it_nor_changes(text: str) -> None:
    written = to_json({"name": text, "figure": Figure(100)})
    assert "<" not in written and "\u2028" not in written
    assert json.loads(written)["name"] == text

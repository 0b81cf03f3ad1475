"""The sweep's part of a report says what the run holds: axes from run.toml, means as scored, noise called noise."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from harness import statistics
from harness.compare import compare
from harness.corpus import SHIPPED, load_corpus
from harness.experiment import load_experiment
from harness.run import Run
from harness.sweep import Sweep, plan_sweeps, swept_runs
from reports import write_report
from reports.comparison import Comparison
from reports.figures import Figure, to_json
from reports.sweep_differences import differences, of_sweep, said
from reports.sweep_lines import lines_of, multiples
from reports.sweep_section import sweep_section
from streamflow.tiny import make_tiny_bundle

FIRST_OF_SPEAKERS = 6


@pytest.fixture(scope="module")
def swept_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """naive over two axes and window over one, tiny random weights, six speakers."""
    folder = tmp_path_factory.mktemp("swept")
    bundle = make_tiny_bundle(folder / "tiny")
    by_speaker = {u.speaker_id: u for u in reversed(load_corpus(SHIPPED).utterances)}
    lines = ["utterance_id,speaker_id,path"]
    lines += [f"{u.utterance_id},{u.speaker_id},{u.path}" for u in list(by_speaker.values())[:FIRST_OF_SPEAKERS]]
    (folder / "manifest.csv").write_text("\n".join(lines))
    table = {
        "strategy": ["naive", "window"],
        "vary": {"block": [12, 24], "crossfade": [0.0, 0.1, 0.3]},
        "baseline": "full",
    }
    planned = plan_sweeps({"fades": Sweep.from_table("fades", table)}, bundle)
    wanted = load_experiment(
        None,
        corpus=folder / "manifest.csv",
        checkpoint=str(bundle.directory),
        metrics=["pesq_wb", "stoi"],
        systems={spec.name: spec.table() for spec in planned.systems},
        sweep=planned.tables,
    )
    outcome = compare(wanted, folder / "run", jobs=1)
    assert not outcome.failures
    return folder / "run"


@pytest.fixture(scope="module")
def comparison(swept_run: Path) -> Comparison:
    return Comparison(Run(swept_run))


@pytest.fixture(scope="module")
def part(comparison: Comparison) -> dict:
    (only,) = sweep_section(comparison)
    return only


def figures_of(value: object) -> list[Figure]:
    if isinstance(value, Figure):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [figure for one in inner for figure in figures_of(one)]


def test_plotly_takes_every_figure(part: dict) -> None:
    found = figures_of(part)
    assert len(found) > 15
    for figure in found:
        assert go.Figure(figure.content())
        assert to_json(figure)
        assert all(trace["meta"]["role"] in ("system", "reference") for trace in figure.data)


def test_every_axis_names_what_it_counts_in(part: dict) -> None:
    axes = {axis["name"]: axis for axis in part["axes"]}
    assert set(axes) == {"block", "crossfade"}
    titles = {q.name: f.layout["yaxis"]["title"]["text"] for q, f in axes["block"]["figures"]}
    assert titles["pesq_wb"] == "pesq_wb (MOS-LQO)"
    assert titles["algorithmic latency"].endswith("(s)")
    assert all(f.layout["xaxis"]["title"]["text"] == "block (frames of 10 ms)" for _, f in axes["block"]["figures"])
    assert {"stoi", "seam z (mel flux)", "mel flux at seams", "first packet", "real-time factor"} <= set(titles)


def test_a_line_goes_through_means_clustered_by_speaker_and_the_table_says_the_same(
    comparison: Comparison, part: dict
) -> None:
    block = next(axis for axis in part["axes"] if axis["name"] == "block")
    figure = next(f for q, f in block["figures"] if q.name == "stoi")
    trace = next(t for t in figure.data if t["name"] == "naive")
    for system, y, up in zip(("naive@block-12", "naive"), trace["y"], trace["error_y"]["array"], strict=True):
        rows = comparison.all_scores.query(f"system == '{system}' and metric == 'stoi'")
        centre, _, high = statistics.mean_interval(rows["value"], rows["speaker"])
        assert math.isclose(y, centre) and math.isclose(up, high - centre)
    labels = [row.label for row in block["table"].rows]
    assert labels == ["naive, 12", "naive, 24", "window, 12", "window, 24", "full"]
    column = [c.label for c in block["table"].columns].index("stoi ↑")
    assert math.isclose(block["table"].rows[0].cells[column].value, trace["y"][0])


def test_a_second_axis_makes_small_multiples_on_one_vertical_axis(comparison: Comparison, part: dict) -> None:
    (swept,) = swept_runs(comparison.run.experiment, comparison.run.provenance)
    assert [(a.name, b.name) for a, b in multiples(swept)] in ([("block", "crossfade")], [("crossfade", "block")])
    (pair,) = part["multiples"]
    panels = pair["panels"]["stoi"]
    assert len(panels) == 2
    assert len({tuple(figure.layout["yaxis"]["range"]) for _, figure in panels}) == 1
    assert [line.strategy for line in lines_of(swept, "crossfade")] == ["naive"]


def test_what_was_left_out_stands_in_the_report(part: dict) -> None:
    (told,) = part["left_out"]
    assert "naive@block-12+crossfade-0.3" in told and "0.2" in told


def test_differences_are_corrected_over_the_whole_sweep_and_intervals_hold_at_once(comparison: Comparison) -> None:
    (swept,) = swept_runs(comparison.run.experiment, comparison.run.provenance)
    rows = differences(comparison, [swept])
    assert {row.against for row in rows} == {"full"}
    assert {row.system for row in rows} == set(swept.systems)
    alone = statistics.compare_systems(comparison.all_scores, "full", systems=list(swept.systems))
    np.testing.assert_allclose([row.p_holm for row in rows], statistics.holm(alone["p"]))
    for row, single in zip(rows, alone.to_dict("records"), strict=True):
        assert math.isclose(row.difference, single["difference"])
        if math.isfinite(row.low):
            assert row.low <= single["low"] and row.high >= single["high"]
        assert row.is_told == (row.p_holm <= 0.05)
    assert said(of_sweep(rows, swept), swept, len(rows)).startswith("Of ")


def test_a_row_of_differences_is_labelled_with_its_own_system(comparison: Comparison, part: dict) -> None:
    (swept,) = swept_runs(comparison.run.experiment, comparison.run.provenance)
    rows = {row.system: row for row in differences(comparison, [swept]) if row.metric.name == "stoi"}
    figure = part["difference_figures"]["stoi"]
    axis = figure.layout["yaxis"]
    told = dict(zip(axis["tickvals"], axis["ticktext"], strict=True))
    assert told["naive"] == "naive" and told["window@block-12"] == "block 12"
    assert told["naive@block-12+crossfade-0.1"] == "block 12, crossfade 0.1"
    assert {trace["y"][0]: trace["x"][0] for trace in figure.data} == {s: row.difference for s, row in rows.items()}


def test_the_page_holds_the_section_and_a_run_without_a_sweep_has_none(swept_run: Path, run_path: Path) -> None:
    text = write_report(swept_run).read_text(encoding="utf-8")
    assert '<section id="sweep"' in text and 'href="#sweep"' in text
    assert (swept_run / "report" / "tables" / "sweep1-difference-table.csv").is_file()
    assert sweep_section(Comparison(Run(run_path))) is None

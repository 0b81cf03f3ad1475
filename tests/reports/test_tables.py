"""Numbers in tables are those of harness.statistics, and what could not be had is said in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from make_run import METRICS

from harness.run import Run
from harness.statistics import mean_interval
from harness.statistics.comparison import compare_systems
from reports.comparison import Comparison, MetricColumn
from reports.formatting import interval, number
from reports.headline import waiting
from reports.joined import JoinedRuns
from reports.latency_first_packet import first_sounds
from reports.latency_tables import first_sound_table
from reports.metric_groups import GROUPS, MOST_TOGETHER, REST, group_of, grouped
from reports.tables import decimals_of, difference_table, identity_table, main_table, p_text, waiting_table


def _scores(comparison: Comparison, system: str, metric: str):
    rows = comparison.run.scores()
    return rows[(rows["system"] == system) & (rows["metric"] == metric)].dropna(subset="value")


def test_means_and_intervals_are_those_of_the_statistics(comparison: Comparison) -> None:
    digits = decimals_of(comparison)
    for row in main_table(comparison, digits).rows:
        for metric, column, cell in zip(METRICS, comparison.metrics, row.cells, strict=False):
            scores = _scores(comparison, row.label, metric)
            mean, low, high = mean_interval(scores["value"].to_numpy(), scores["speaker"].tolist())
            decimals = digits[column.identity]
            assert (cell.value, cell.low, cell.high, cell.n) == (pytest.approx(mean), low, high, len(scores))
            assert cell.text == number(mean, decimals)
            assert cell.note == ("no interval" if low is None else interval(low, high, decimals))
            assert bool(cell.warning) == (len(scores) < len(comparison.utterances))


def test_an_n_below_that_of_the_corpus_is_said(comparison: Comparison) -> None:
    row = next(row for row in main_table(comparison, decimals_of(comparison)).rows if row.label == "full")
    assert row.cells[0].warning == "n 5, 1 unscored"


def test_differences_are_those_of_the_comparison_with_the_baseline(comparison: Comparison) -> None:
    expected = compare_systems(comparison.run.scores(), "full").set_index(["system", "identity"])
    table = difference_table(comparison, decimals_of(comparison))
    assert [row.label for row in table.rows] == ["naive", "streamflow-sr", "o'brien & co", "copy-synthesis"]
    for row in table.rows:
        for metric, cell in zip(comparison.metrics, row.cells, strict=True):
            told = expected.loc[row.label, metric.identity]
            assert (cell.value, cell.n) == (pytest.approx(told["difference"]), told["n"])
            assert cell.tone == {"better": "better", "worse": "worse", "equivalent": "same"}.get(told["verdict"], "")


def test_a_verdict_is_written_in_the_cell(comparison: Comparison) -> None:
    table = difference_table(comparison, decimals_of(comparison))
    cells = {row.label: row.cells for row in table.rows}
    assert {cell.text[-1] for row in cells.values() for cell in row if cell.tone == "worse"} <= {"▼"}
    assert any(cell.tone == "better" and cell.text.endswith("▲") for cell in cells["copy-synthesis"])
    assert [cell.tone for cell in cells["streamflow-sr"]] == [""] * 3  # the same samples as full


def test_alone_a_system_has_no_differences(comparison: Comparison) -> None:
    alone = Comparison(comparison.run)
    alone.baseline = None
    assert difference_table(alone, decimals_of(alone)) is None and alone.verdicts.empty


def test_what_was_not_timed_has_no_columns_of_waiting(comparison: Comparison) -> None:
    untimed = Comparison(comparison.run)
    untimed.latency = comparison.latency.iloc[:0]
    table = main_table(untimed, decimals_of(untimed))
    assert len(table.columns) == len(METRICS) and waiting_table(untimed) is None
    assert len(waiting_table(comparison).rows) == len(comparison.systems)


def test_every_metric_has_its_identity(comparison: Comparison) -> None:
    assert [row.cells[-1].text for row in identity_table(comparison).rows] == [m.identity for m in comparison.metrics]


@pytest.mark.parametrize(("p", "text"), [(0.0, "< 0.001"), (0.0123, "0.012"), (0.5, "0.50"), (float("nan"), "\u2014")])
def test_p_values_are_written_as_papers_do(p: float, text: str) -> None:
    assert p_text(p) == text


def _named(*names: str) -> list[MetricColumn]:
    return [MetricColumn(name, name, "", "higher") for name in names]


def test_few_metrics_are_one_table() -> None:
    assert grouped(_named("stoi", "mine")) == [("", _named("stoi", "mine"))]


def test_many_metrics_are_tables_that_fit_each_with_whole_groups() -> None:
    from harness.metrics import REGISTRY

    metrics = _named(*REGISTRY, "mine")
    groups = grouped(metrics)
    assert sorted(m.name for _, members in groups for m in members) == sorted(m.name for m in metrics)
    for _, members in groups:
        assert len(members) <= MOST_TOGETHER or len({group_of(m) for m in members}) == 1
    assert {group_of(m) for m in _named("mine")} == {REST} and group_of(_named("estoi")[0]) in GROUPS


def test_the_wait_to_play_without_a_pause_stands_beside_the_algorithmic_latency(run_path: Path, tmp_path: Path) -> None:
    declaring = shutil.copytree(run_path, tmp_path / "declaring", ignore=shutil.ignore_patterns("report"))
    provenance = json.loads((declaring / "provenance.json").read_text())
    provenance["systems"] = {"streamflow-sr": {"pauseless_latency_s": 1.25}, "full": {"pauseless_latency_s": None}}
    (declaring / "provenance.json").write_text(json.dumps(provenance))
    comparison = Comparison(Run(declaring))
    notes = {row.label: row.cells[0].note for row in waiting_table(comparison).rows}
    assert notes == {name: "1.25\u2009s" if name == "streamflow-sr" else "" for name in comparison.systems}
    said = {line.split(" needs ")[0]: line for line in waiting(comparison)}
    assert "0.96\u2009s of audio (1.25\u2009s to play without a pause)" in said["streamflow-sr"]
    assert not any("pause" in line for name, line in said.items() if name != "streamflow-sr")
    cells = {row.label: row.cells[1] for row in first_sound_table(comparison, first_sounds(comparison)).rows}
    assert "1.25" in cells["streamflow-sr"].note and "without a pause" in cells["streamflow-sr"].note
    assert Comparison(JoinedRuns([Run(run_path), Run(declaring)])).pauseless_latency("declaring:streamflow-sr") == 1.25

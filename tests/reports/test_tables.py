"""Numbers in tables are those of harness.statistics, and what could not be had is said in words."""

from __future__ import annotations

import pytest
from make_run import METRICS

from harness.statistics import mean_interval, paired_difference
from reports.comparison import Comparison
from reports.formatting import interval, number
from reports.tables import chunk_table, decimals_of, difference_table, main_table


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
            assert cell.text == number(mean, decimals)
            assert cell.note == ("no interval" if low is None else interval(low, high, decimals))
            assert cell.warning.startswith(f"n {len(scores)}")


def test_differences_are_paired_by_utterance(comparison: Comparison) -> None:
    for column, metric in zip(comparison.metrics, METRICS, strict=True):
        both = _scores(comparison, "naive", metric).merge(_scores(comparison, "full", metric), on="utterance")
        expected = paired_difference(both["value_x"], both["value_y"], both["speaker_x"].tolist())
        found = comparison.difference("naive", "full", column)
        assert (found.mean, found.low, found.high) == pytest.approx(tuple(expected))
        assert found.n == len(both)


def test_worse_and_better_follow_the_metrics_direction(comparison: Comparison) -> None:
    table = difference_table(comparison, decimals_of(comparison))
    tones = {row.label: [cell.tone for cell in row.cells] for row in table.rows}
    assert tones["naive"] == ["worse"] * 3  # lower STOI, larger distances
    assert tones["copy-synthesis"][1:] == ["better"] * 2
    assert tones["streamflow-sr"] == [""] * 3  # the same samples as full: nothing told apart


def test_without_the_upper_bound_there_are_no_differences(comparison: Comparison) -> None:
    assert difference_table(comparison, decimals_of(comparison), other="nobody") is None


def test_flat_chunk_latency_is_one_and_short_utterances_are_not_judged(comparison: Comparison) -> None:
    growth = {row.label: row.cells[2].text for row in chunk_table(comparison).rows}
    assert growth["streamflow-sr"] == "1.00"
    assert growth["naive"] == "too few chunks"  # its long utterance failed
    assert growth["full"] == "one chunk"


def test_a_missing_latency_is_a_dash_and_never_zero(comparison: Comparison) -> None:
    assert {row.cells[1].text for row in chunk_table(comparison).rows} == {"\u2014"}

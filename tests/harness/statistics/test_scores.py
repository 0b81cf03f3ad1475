from __future__ import annotations

import numpy as np
import pandas
import pytest

from harness.statistics import StatisticsError, mean_interval, paired_scores, paired_utterances, summary


def scores(rows: list[tuple]) -> pandas.DataFrame:
    table = pandas.DataFrame(rows, columns=["system", "utterance", "speaker", "identity", "value"])
    return table.assign(seed=0, metric="stoi", unit="1", unscored_because="")


def test_only_rows_of_one_identity_are_paired():
    table = scores(
        [
            ("a", "u1", "s", "v1", 0.5),
            ("b", "u1", "s", "v1", 0.6),
            ("a", "u2", "s", "v1", 0.5),
            ("b", "u2", "s", "v2", 1),
        ]
    )
    pairs = paired_scores(table, "stoi", "a", "b")
    assert pairs[["utterance", "candidate", "baseline"]].values.tolist() == [["u1", 0.5, 0.6]]


def test_the_summary_counts_what_could_not_be_scored_and_keeps_identities_apart():
    table = scores([("a", "u1", "s", "v1", 0.5), ("a", "u2", "t", "v1", np.nan), ("a", "u3", "t", "v2", 0.7)])
    rows = summary(table).set_index("identity")
    assert rows.loc["v1", ["n", "unscored", "mean"]].tolist() == [1, 1, 0.5]
    assert rows.loc["v2", "mean"] == 0.7
    assert rows["low"].isna().all()


def of_seeds(rows: list[tuple]) -> pandas.DataFrame:
    """Rows of system, utterance, seed, value."""
    table = pandas.DataFrame(rows, columns=["system", "utterance", "seed", "value"])
    return table.assign(speaker=table["utterance"], metric="stoi", identity="v1", unit="1", unscored_because="")


def test_the_summary_averages_seeds_within_the_utterance_first():
    rows = [("a", "u1", seed, value) for seed, value in enumerate((1.0, 2.0, 3.0))]
    table = of_seeds([*rows, ("a", "u2", 0, 6.0), ("a", "u2", 1, np.nan), ("a", "u3", 0, np.nan)])
    found = summary(table).iloc[0]
    assert (found["n"], found["unscored"]) == (2, 1)
    assert tuple(found[["mean", "low", "high"]]) == pytest.approx(mean_interval([2.0, 6.0]))


def test_utterances_are_paired_over_the_seeds_that_both_have():
    rows = [("a", "u1", 0, 1.0), ("a", "u1", 1, 3.0), ("b", "u1", 0, 2.0), ("b", "u1", 1, np.nan), ("b", "u2", 0, 9.0)]
    found = paired_utterances(of_seeds(rows), "b", "a")
    assert found[["utterance", "candidate", "baseline", "difference", "seeds"]].values.tolist() == [["u1", 2, 1, 1, 1]]


def test_arms_without_a_common_seed_are_paired_by_their_averages():
    rows = [("a", "u1", 0, 1.0), ("a", "u1", 1, 3.0), ("b", "u1", 5, 2.0), ("b", "u1", 6, 6.0), ("b", "u1", 7, 4.0)]
    found = paired_utterances(of_seeds(rows), "b", "a")
    assert found[["candidate", "baseline", "difference", "seeds"]].values.tolist() == [[4, 2, 2, 2]]


def test_two_scores_of_the_same_rendering_are_refused():
    with pytest.raises(StatisticsError, match="a has two scores of u1 by v1, seed 0"):
        paired_utterances(of_seeds([("a", "u1", 0, 1.0), ("a", "u1", 0, 1.0), ("b", "u1", 0, 1.0)]), "b", "a")

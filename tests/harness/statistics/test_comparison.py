from __future__ import annotations

import numpy as np
import pandas
import pytest
from statsmodels.stats.multitest import multipletests

from harness.statistics import StatisticsError, compare_systems, paired_difference, tost, yuen_interval

BASE = {"stoi": 0.9, "pesq_wb": 3.0, "mel_distance": 4.0}
SPREAD = {"stoi": 0.01, "pesq_wb": 0.1, "mel_distance": 0.2}


def make_scores(shifts: dict[str, dict[str, float]], utterances=24, speakers=6, seeds=(0,), seed=0) -> pandas.DataFrame:
    """Scores in which the systems differ by ``shifts[system][metric]`` spreads, utterances being alike in all
    systems."""
    generator, rows = np.random.default_rng(seed), []
    for metric, level in BASE.items():
        hard = generator.normal(size=utterances)
        for system, shift in shifts.items():
            for one in seeds:
                own = hard + 0.5 * generator.normal(size=utterances) + shift.get(metric, 0.0)
                for index, value in enumerate(level + SPREAD[metric] * own):
                    rows.append((system, f"u{index}", f"s{index % speakers}", one, metric, f"{metric}[1]", value, ""))
    names = ["system", "utterance", "speaker", "seed", "metric", "identity", "value", "unit"]
    return pandas.DataFrame(rows, columns=names).assign(unscored_because="")


def row(table: pandas.DataFrame, system: str, metric: str) -> pandas.Series:
    (found,) = table[(table["system"] == system) & (table["metric"] == metric)].to_dict("records")
    return pandas.Series(found)


def side_by_side(scores: pandas.DataFrame, metric: str) -> pandas.DataFrame:
    return scores[scores["metric"] == metric].pivot_table(
        index="utterance", columns="system", values="value", sort=False
    )


@pytest.fixture(scope="module")
def scores() -> pandas.DataFrame:
    return make_scores({"base": {}, "good": {"stoi": 3, "mel_distance": -3}, "bad": {"pesq_wb": -3, "mel_distance": 3}})


def test_a_row_a_system_and_metric_with_the_paired_difference_and_its_interval(scores):
    table = compare_systems(scores, "base")
    assert len(table) == 6
    wide = side_by_side(scores, "stoi")
    speakers = [f"s{int(name[1:]) % 6}" for name in wide.index]
    found = row(table, "good", "stoi")
    expected = paired_difference(wide["good"], wide["base"], speakers)
    assert (found["difference"], found["low"], found["high"]) == pytest.approx(expected)
    assert (found["n"], found["speakers"], found["missing"], found["estimator"]) == (24, 6, 0, "mean")


def test_heavy_tailed_metrics_are_told_by_trimmed_means(scores):
    wide = side_by_side(scores, "pesq_wb")
    speakers = [f"s{int(name[1:]) % 6}" for name in wide.index]
    found = row(compare_systems(scores, "base"), "bad", "pesq_wb")
    expected = yuen_interval(wide["bad"] - wide["base"], speakers)
    assert (found["difference"], found["low"], found["high"]) == pytest.approx(expected)
    assert found["estimator"] == "20 % trimmed mean"


def test_verdicts_follow_the_direction_of_the_metric(scores):
    table = compare_systems(scores, "base")
    verdicts = {(r["system"], r["metric"]): r["verdict"] for r in table.to_dict("records")}
    assert verdicts == {
        ("good", "stoi"): "better",
        ("good", "pesq_wb"): "not told apart",
        ("good", "mel_distance"): "better",
        ("bad", "stoi"): "not told apart",
        ("bad", "pesq_wb"): "worse",
        ("bad", "mel_distance"): "worse",
    }
    assert row(table, "good", "mel_distance")["difference"] < 0
    assert row(table, "good", "mel_distance")["superiority"] == 1


def test_p_values_are_corrected_together_and_the_family_is_declared(scores):
    table = compare_systems(scores, "base")
    assert table["p_holm"].to_numpy() == pytest.approx(multipletests(table["p"], method="holm")[1])
    assert "6 tests of a difference from base (2 systems, 3 metrics)" in table.attrs["family"]
    fewer = compare_systems(scores, "base", systems=["bad"], metrics=["stoi"])
    assert fewer["p_holm"].tolist() == fewer["p"].tolist()
    assert fewer["p"].item() == row(table, "bad", "stoi")["p"]


def test_a_margin_makes_small_differences_equivalent_even_those_that_are_there(scores):
    margins = {"stoi": 0.05, "mel_distance[1]": 0.1}
    table = compare_systems(scores, "base", margins=margins)
    assert row(table, "good", "stoi")["verdict"] == "equivalent"
    assert row(table, "good", "stoi")["p_holm"] < 0.05
    assert row(table, "good", "mel_distance")["verdict"] == "better"
    assert np.isnan(row(table, "good", "pesq_wb")["equivalence_p"])
    wide = side_by_side(scores, "stoi")
    speakers = [f"s{int(name[1:]) % 6}" for name in wide.index]
    expected = tost(wide["bad"] - wide["base"], 0.05, speakers)
    assert row(table, "bad", "stoi")["equivalence_p"] == pytest.approx(expected.p)


def test_seeds_are_averaged_within_the_utterance_first():
    seeds = make_scores({"a": {}, "b": {"stoi": 1}}, seeds=(0, 1, 2))
    means = seeds.groupby(["system", "utterance", "speaker", "metric", "identity", "unit"], sort=False, as_index=False)
    averaged = means["value"].mean().assign(seed=0)
    many, one = compare_systems(seeds, "a"), compare_systems(averaged, "a")
    pandas.testing.assert_frame_equal(many, one)
    assert row(many, "b", "stoi")["n"] == 24


def test_a_seed_that_could_not_be_scored_is_missing_in_both():
    seeds = make_scores({"a": {}, "b": {}}, seeds=(0, 1))
    lost = (seeds["system"] == "b") & (seeds["utterance"] == "u3") & (seeds["seed"] == 1)
    partly = seeds.assign(value=seeds["value"].mask(lost))
    without = seeds[~((seeds["utterance"] == "u3") & (seeds["seed"] == 1))]
    assert compare_systems(partly, "a")["difference"].tolist() == pytest.approx(
        compare_systems(without, "a")["difference"].tolist()
    )


def test_arms_of_different_seeds_are_compared_by_their_own_averages():
    seeds = make_scores({"a": {}, "b": {"stoi": 3}}, seeds=(0, 1))
    other = seeds.assign(seed=seeds["seed"] + 10 * (seeds["system"] == "b"))
    pandas.testing.assert_frame_equal(compare_systems(other, "a"), compare_systems(seeds, "a"))


def test_utterances_that_only_one_has_are_counted_and_identities_never_mixed(scores):
    holes = scores["value"].mask((scores["system"] == "bad") & (scores["utterance"] == "u0"))
    table = compare_systems(scores.assign(value=holes), "base")
    assert (row(table, "bad", "stoi")["n"], row(table, "bad", "stoi")["missing"]) == (23, 1)
    other = (scores["system"] == "bad") & (scores["metric"] == "stoi")
    mixed = compare_systems(scores.assign(identity=scores["identity"].mask(other, "stoi[2]")), "base")
    rows = mixed[(mixed["system"] == "bad") & (mixed["metric"] == "stoi")]
    assert rows["identity"].tolist() == ["stoi[1]", "stoi[2]"]
    assert rows["n"].tolist() == [0, 0]
    assert rows["verdict"].tolist() == ["too few", "too few"]
    assert rows["p_holm"].isna().all()


def test_few_utterances_or_the_same_samples_say_so():
    few = compare_systems(make_scores({"a": {}, "b": {"stoi": 9}}, utterances=5), "a")
    assert set(few["verdict"]) == {"too few"}
    once = make_scores({"a": {}})
    same = compare_systems(pandas.concat([once, once.assign(system="b")]), "a", margins={"stoi": 0.1})
    assert same["difference"].tolist() == [0, 0, 0]
    assert same["low"].isna().all()
    assert same["verdict"].tolist() == ["equivalent", "not told apart", "not told apart"]


def test_one_speaker_is_no_cluster():
    table = compare_systems(make_scores({"a": {}, "b": {"stoi": 3}}, speakers=1), "a")
    assert row(table, "b", "stoi")["speakers"] == 1
    assert row(table, "b", "stoi")["verdict"] == "better"


def test_a_metric_without_a_direction_is_different_but_never_better(scores):
    renamed = scores.assign(metric=scores["metric"].replace("stoi", "foreign"))
    found = row(compare_systems(renamed, "base"), "good", "foreign")
    assert (found["direction"], found["verdict"]) == ("", "different")


def test_what_cannot_be_compared_is_refused_by_name(scores):
    with pytest.raises(StatisticsError, match="no scores of 'best'; there are base, good, bad"):
        compare_systems(scores, "best")
    with pytest.raises(StatisticsError, match="no scores by 'sdr'"):
        compare_systems(scores, "base", metrics=["sdr"])
    with pytest.raises(StatisticsError, match="margin 0"):
        compare_systems(scores, "base", margins={"stoi": 0})
    with pytest.raises(StatisticsError, match="two scores of u0"):
        compare_systems(pandas.concat([scores, scores]), "base")


def test_a_run_of_one_system_gives_an_empty_table(scores):
    table = compare_systems(scores[scores["system"] == "base"], "base")
    assert len(table) == 0
    assert "verdict" in table


@pytest.mark.slow
def test_systems_that_do_not_differ_are_rarely_said_to():
    claims = 0
    for seed in range(120):
        table = compare_systems(make_scores({"a": {}, "b": {}, "c": {}}, seed=seed), "a")
        claims += table["verdict"].isin(["better", "worse"]).any()
    assert claims <= 13  # 6 of 120 expected; above 13 in 2 of 1,000

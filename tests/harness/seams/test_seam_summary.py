"""The summary over many clips: paired effects, their intervals, permutation p, seeds and speakers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.seams import seam_summary

ROLES = ("seam", "interior", "reference", "reference_interior")


def table(effect: float, utterances: int, seams: int, rng: np.random.Generator, seeds: int = 1, spread: float = 0.0):
    """A table as of many clips: noise of unit variance, seams ``effect`` above their matches, seeds nearly alike."""
    rows = []
    for utterance in range(utterances):
        shift = effect + spread * rng.standard_normal()
        for sample in range(seams):
            noise = rng.standard_normal(4)
            for seed in range(seeds):
                values = noise + 0.05 * rng.standard_normal(4) * (seeds > 1) + [shift, 0, 0, 0]
                for role, value in zip(ROLES, values, strict=True):
                    rows.append([f"u{utterance}", seed, "click", "log ratio", 1000 + 5120 * sample, role, value])
        for seed in range(seeds):
            own = [r[6] for r in rows if r[0] == f"u{utterance}" and r[1] == seed and r[5] == "seam"]
            scores = {"score_sum": float(np.sum(own)), "score_variance": float(len(own))}
            for role, value in scores.items():
                rows.append([f"u{utterance}", seed, "click", "log ratio", -1, role, value])
    frame = pd.DataFrame(rows, columns=["utterance", "seed", "measure", "unit", "sample", "role", "value"])
    return frame if seeds > 1 else frame.drop(columns="seed")


def test_the_effect_is_the_mean_over_utterances_with_students_interval():
    found = table(0.4, 9, 7, np.random.default_rng(0))
    wide = found[found["role"].isin(["seam", "interior"])].pivot_table(
        index=["utterance", "sample"], columns="role", values="value"
    )
    differences = (wide["seam"] - wide["interior"]).groupby("utterance").mean()
    row = seam_summary(found).loc["click"]
    low, high = stats.t.interval(0.95, 8, differences.mean(), stats.sem(differences))
    assert row["effect"] == pytest.approx(differences.mean())
    assert (row["effect_low"], row["effect_high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["utterances"] == 9 and row["n"] == 63


def test_p_is_scipys_permutation_test_of_the_same_pairs():
    found = table(0.25, 1, 40, np.random.default_rng(1))
    seam, inside = (found[found["role"] == role]["value"].to_numpy() for role in ("seam", "interior"))
    expected = stats.permutation_test(
        (seam, inside), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=20_000, alternative="greater", rng=np.random.default_rng(0),
    ).pvalue  # fmt: skip
    assert seam_summary(found, resamples=20_000).loc["click", "p"] == pytest.approx(expected, abs=0.012)


def test_p_holds_its_level_and_intervals_cover():
    rng = np.random.default_rng(2)
    rows = [seam_summary(table(0.0, 8, 6, rng), resamples=199, seed=i).loc["click"] for i in range(150)]
    p = np.array([row["p"] for row in rows])
    assert stats.kstest(p, "uniform").pvalue > 0.001
    covered = sum(row["effect_low"] < 0 < row["effect_high"] for row in rows)
    assert stats.binomtest(covered, len(rows), 0.95).pvalue > 0.001


def test_the_reference_is_held_against_itself():
    row = seam_summary(table(2.0, 10, 8, np.random.default_rng(3))).loc["click"]
    assert row["effect_low"] > 1 and row["p"] < 0.001
    assert row["effect_reference_low"] < 0 < row["effect_reference_high"] and row["p_reference"] > 0.01


def test_seeds_of_an_utterance_are_averaged_and_not_counted():
    """Three renderings of the same speech tell little more than one: intervals and z must not shrink with them."""
    one = table(0.5, 8, 6, np.random.default_rng(4))
    three = table(0.5, 8, 6, np.random.default_rng(4), seeds=3)
    a, b = (seam_summary(found, resamples=0).loc["click"] for found in (one, three))
    assert b["utterances"] == 8
    width = [row["effect_high"] - row["effect_low"] for row in (a, b)]
    assert width[1] > 0.6 * width[0]
    assert b["z"] < 1.5 * max(a["z"], 1)
    repeated = pd.concat([one.assign(seed=seed) for seed in range(3)])
    again = seam_summary(repeated, resamples=0).loc["click"]
    for name in ("effect", "effect_low", "effect_high", "z"):
        assert again[name] == pytest.approx(a[name])


def test_clusters_widen_the_interval_where_speakers_differ():
    rng = np.random.default_rng(5)
    found = pd.concat(
        [
            table(effect, 6, 5, rng).assign(utterance=lambda t, s=s: s + t["utterance"])
            for s, effect in (("a", -1.0), ("b", 0.0), ("c", 1.0), ("d", 2.0))
        ]
    )
    speakers = {name: name[0] for name in found["utterance"]}
    alone, clustered = seam_summary(found).loc["click"], seam_summary(found, speakers=speakers).loc["click"]
    assert clustered["effect"] == pytest.approx(alone["effect"])
    assert clustered["effect_high"] - clustered["effect_low"] > 1.5 * (alone["effect_high"] - alone["effect_low"])


def test_one_utterance_has_an_effect_but_no_interval():
    row = seam_summary(table(1.0, 1, 12, np.random.default_rng(6))).loc["click"]
    assert row["effect"] > 0.4 and np.isnan(row["effect_low"]) and row["p"] < 0.05


def test_a_table_of_before_there_were_scores_has_means_and_no_z():
    found = table(1.0, 4, 6, np.random.default_rng(7))
    old = found[found["role"].isin(["seam", "interior", "reference"])]
    row = seam_summary(old).loc["click"]
    assert np.isnan(row["z"]) and np.isnan(row["effect_reference"]) and row["seam"] > row["interior"]

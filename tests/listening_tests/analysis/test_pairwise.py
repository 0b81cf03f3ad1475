"""What is said of a pair of systems beside the difference, and what is not said of noise."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

sys.path.insert(0, str(Path(__file__).parent))

from make_ratings import frame_of, make_ratings, make_study

from listening_tests.analysis.analyse import analyse
from listening_tests.analysis.anomalies import anomalies
from listening_tests.analysis.crossed_bootstrap import difference
from listening_tests.analysis.crossed_simulation import Layout, World, simulate_ratings
from listening_tests.analysis.estimate import CLAIMS
from listening_tests.analysis.exclusions import apply_exclusions
from listening_tests.analysis.pairwise import model_check, pair_rows
from listening_tests.errors import StudyError
from listening_tests.study import CLAIMS as REGISTERED_CLAIMS
from listening_tests.study import Inference, Study
from reports.study_report import findings, render_study

INTERVALS = [
    *((f"{name}low", f"{name}high") for name in ("", "share_", "d_", "hit_", "false_", "spearman_", "superiority_")),
    ("low_90", "high_90"),
]


def crossed(listeners=30, sentences=20, systems=4, offsets=(0.6, 0.0, 0.0), **options):
    layout = Layout(listeners=listeners, sentences=sentences, systems=systems, **options)
    return simulate_ratings(layout, World(), np.random.default_rng(0), offsets)


def with_margin(study: Study, margin: float) -> Study:
    return study.with_changes(analysis=Inference(margin=margin))


def test_a_row_has_the_difference_its_size_and_the_equivalence_of_a_registered_margin():
    frame = crossed()
    pairs = list(combinations(sorted(set(frame["system"])), 2))
    rows = {(row["a"], row["b"]): row for row in pair_rows(frame, pairs, margin=0.5)}
    apart, alike = rows["s0", "s1"], rows["s1", "s2"]
    assert apart["mean"] == difference(frame, "s0", "s1").mean and apart["p_holm"] < 0.01 > apart["p_permutation_holm"]
    assert apart["d"] > 0.8 and apart["superiority"] > 0.6 and not apart["equivalent"]
    assert alike["equivalent"] and alike["p_holm"] > 0.05 and -0.5 < alike["low_90"] < alike["high_90"] < 0.5
    assert "margin" not in pair_rows(frame, pairs[:1])[0]


def test_equivalence_is_said_after_the_correction_over_all_pairs():
    frame = crossed()
    pairs = list(combinations(sorted(set(frame["system"])), 2))
    for row in pair_rows(frame, pairs, margin=0.3):
        assert row["p_equivalence_holm"] >= row["p_equivalence"] and row["equivalent"] == (
            row["p_equivalence_holm"] < 0.05
        )


@pytest.mark.slow
def test_thirty_listeners_twenty_sentences_and_four_systems_take_seconds():
    frame = crossed()
    pairs, start = list(combinations(sorted(set(frame["system"])), 2)), time.process_time()
    rows, model = pair_rows(frame, pairs, margin=0.3), model_check(frame, pairs)
    assert time.process_time() - start < 20  # 5 s on one idle core
    for row, check in zip(rows, model["rows"], strict=True):
        assert check["mean"] == pytest.approx(row["mean"], abs=0.01)


def test_the_mixed_model_checks_the_means_and_says_where_it_cannot():
    found = analyse(make_ratings("acr-naturalness", 18, bots=0), make_study("acr-naturalness"))
    for row, check in zip(found.differences, found.model["rows"], strict=True):
        assert check["mean"] == pytest.approx(row["mean"], abs=0.15) and (row["a"], row["b"]) == (
            check["a"],
            check["b"],
        )
    few = analyse(make_ratings("acr-naturalness", 2, bots=0), make_study("acr-naturalness"))
    assert few.model["rows"] == [] and "3 listeners" in few.model["note"]
    json.loads(found.to_json())


def test_a_cmos_is_tested_against_the_margin_and_says_which_is_better():
    frame = make_ratings("ccr", 24, bots=0)
    content = analyse(frame, with_margin(make_study("ccr"), 1.0)).content()
    rows = {row["system"]: row for row in content["estimates"]}
    assert rows["naive against full"]["mean"] < 0 and rows["naive against full"]["p_holm"] < 0.001
    assert rows["streamflow-sr against full"]["equivalent"] and not rows["naive against full"]["equivalent"]
    own = frame[(frame["role"] == "main") & (frame["system"] == "naive") & (frame["against"] == "full")]
    d = own.groupby("listener")["value"].mean()
    assert rows["naive against full"]["d"] == pytest.approx(d.mean() / d.std())
    said = " ".join(sentence for finding in findings(content) for sentence in finding["sentences"])
    assert "full preferred to naive" in said and "Equivalent within 1 points: streamflow-sr against full" in said


def test_preferences_and_abilities_agree():
    content = analyse(make_ratings("ab", 24, bots=0), make_study("ab")).content()
    ability = {row["system"]: row["ability"] for row in content["abilities"]}
    for row in content["preferences"]:
        assert (row["preferred"] > row["other"]) == (ability[row["system"]] > ability[row["against"]])
    assert [row["system"] for row in content["estimates"]] == [
        "naive against full", "streamflow-sr against full", "streamflow-sr against naive"]  # fmt: skip


@pytest.mark.parametrize(
    "protocol", ["acr-naturalness", "ab", "ccr", "abx", "same-different", "mushra", "seam-locating"]
)
@pytest.mark.parametrize("column", ["listener", "sentence"])
def test_one_listener_or_one_sentence_makes_no_interval_anywhere(protocol, column):
    frame = make_ratings(protocol, 12, bots=0)
    content = analyse(frame[frame[column] == frame[column].iloc[0]], make_study(protocol)).content()
    tables = [content[name] for name in ("estimates", "differences", "abx", "same_different", "abilities", "seams")]
    for row in (row for rows in tables for row in rows):
        for low, high in INTERVALS:
            if column == "sentence" and low == "d_low" and "d" in row:
                continue  # paired d speaks of listeners alone
            assert row.get(low) is None and row.get(high) is None, (row, low)
    assert "no interval" in render_study(content)


def test_intervals_end_where_the_scale_does():
    content = analyse(make_ratings("abx", 12, bots=0), make_study("abx")).content()
    assert all(0 <= row["low"] <= row["high"] <= 1 for row in content["estimates"] if row["low"] is not None)


def test_the_p_values_of_three_pairs_are_corrected():
    content = analyse(make_ratings("abx", 12, bots=0), make_study("abx")).content()
    p_values = [row["p_value"] for row in content["abx"]]
    assert [row["p_holm"] for row in content["abx"]] == pytest.approx(
        multipletests(p_values, method="holm")[1].tolist()
    )


def abx_frame(right: float, listeners: int = 10, sentences: int = 10, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = []
    for listener in range(listeners):
        for sentence in range(sentences):
            truth = "AB"[int(rng.integers(2))]
            said = truth if rng.random() < right else "BA"["AB".index(truth)]
            rows.append({"listener": f"L{listener}", "sentence": f"s{sentence}", "position": sentence, "protocol": "abx",
                         "system": "naive", "against": "full", "truth": truth, "response": said,
                         "value": float(truth == said)})  # fmt: skip
    return frame_of(rows)


def test_an_abx_answered_upside_down_is_flagged_and_has_no_d_prime():
    content = analyse(abx_frame(0.1), make_study("abx", ("full", "naive"))).content()
    assert (
        content["abx"][0]["p_below"] < 0.001
        and content["abx"][0]["d_prime"] == 0
        and content["abx"][0]["d_low"] is None
    )
    said = " ".join(sentence for finding in findings(content) for sentence in finding["sentences"])
    assert "Fewer right than by guessing" in said


def test_one_listener_turned_round_is_named_among_honest_ones():
    frame = abx_frame(0.95)
    frame.loc[frame["listener"] == "L3", "value"] = 1 - frame.loc[frame["listener"] == "L3", "value"]
    assert [row["listener"] for row in anomalies(frame) if row["what"] == "against the others"] == ["L3"]
    mos = make_ratings("acr-naturalness", 12, bots=0)
    turned = (mos["listener"] == "L05") & (mos["role"] == "main")
    mos.loc[turned, "value"] = 6 - mos.loc[turned, "value"]
    assert [row["listener"] for row in anomalies(mos) if row["what"] == "against the others"] == ["L05"]


def test_honest_listeners_of_systems_alike_are_rarely_flagged():
    flagged = [
        sum(row["what"] == "against the others" for row in anomalies(abx_frame(0.5, 20, seed=seed)))
        for seed in range(20)
    ]
    assert np.mean(flagged) < 0.1 * 20  # of 20 listeners each, at a chance of 0.05


@pytest.mark.parametrize(("protocol", "nothing"), [("same-different", "same"), ("ab", "same"), ("ccr", "0")])
def test_who_hears_no_difference_may_say_so_in_every_trial(protocol, nothing):
    frame = make_ratings(protocol, 12, bots=0)
    of = (frame["listener"] == "L02") & (frame["role"] == "main")
    frame.loc[of, "response"] = nothing
    frame.loc[of & (frame["role"] == "main"), "value"] = {"same-different": 0.0, "ab": 0.5, "ccr": 0.0}[protocol]
    other = (frame["listener"] == "L03") & (frame["role"] == "main")
    frame.loc[other, "response"] = {"same-different": "different", "ab": "A", "ccr": "2"}[protocol]
    caught = {of.name: of.caught for of in apply_exclusions(frame, make_study(protocol)).outcomes}
    assert caught["same answer"] == ("L03",)


def test_the_claim_and_the_margin_are_registered_and_checked():
    assert REGISTERED_CLAIMS == CLAIMS
    study = make_study("acr-naturalness", recruitment="students, unpaid")
    table = with_margin(study, 0.2).table()
    assert Study.from_table(table).analysis.margin == 0.2
    for wrong, says in (
        ({"margin": 0}, "above 0"),
        ({"claim": "everybody"}, "not known"),
        ({"margn": 1}, "did you mean"),
    ):
        with pytest.raises(StudyError, match=says):
            Study.from_table({**table, "analysis": wrong})
    only = study.with_changes(analysis=replace(study.analysis, claim="listeners"))
    found = analyse(make_ratings("acr-naturalness"), only)
    assert found.claim == "listeners" and all(row["claim"] == "listeners" for row in found.estimates)
    text = " ".join(paragraph for passage in found.methods for paragraph in passage["paragraphs"])
    assert "students, unpaid" in text and "sign-flip" in text

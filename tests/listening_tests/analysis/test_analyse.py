"""Exclusions by rule, the whole analysis of every protocol, correlation with a run's scores."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))

from make_ratings import frame_of, make_ratings, make_sessions, make_study

from listening_tests.analysis.analyse import analyse
from listening_tests.analysis.anomalies import anomalies
from listening_tests.analysis.exclusions import apply_exclusions
from listening_tests.analysis.mushra import screening
from listening_tests.analysis.objective import correlations
from listening_tests.errors import StudyError
from listening_tests.model import ANCHOR_MID, REFERENCE

PROTOCOLS = ("acr-naturalness", "acr-quality", "similarity-mos", "dcr", "ccr", "ab", "abx", "abx-offline", "same-different",
             "mushra", "multi-stimulus", "arrival-replay", "seam-locating")  # fmt: skip


def references(missed: dict[str, int], items: int = 10) -> pandas.DataFrame:
    """MUSHRA ratings in which listeners miss the hidden reference so often, and all rate the anchor 30."""
    rows = []
    for listener, count in missed.items():
        for item in range(items):
            who = {"listener": listener, "sentence": f"s{item}", "position": item, "protocol": "mushra"}
            value = 80.0 if item < count else 100.0
            rows.append({**who, "system": REFERENCE, "value": value, "response": f"{value:g}"})
            rows.append({**who, "system": ANCHOR_MID, "value": 30.0 + item, "response": f"{30 + item}"})
    return frame_of(rows)


def test_one_bad_reference_excludes_nobody_but_two_of_ten_do() -> None:
    """pyMUSHRA 322ca43 stats.py:62 drops every listener with a single bad reference: it would keep 1 of these 4."""
    frame = references({"none": 0, "one": 1, "also one": 1, "two": 2})
    kept = set(apply_exclusions(frame, make_study("mushra")).kept["listener"])
    assert kept == {"none", "one", "also one"}


def test_an_anchor_that_fools_the_crowd_counts_against_nobody() -> None:
    frame = references({"a": 0, "b": 0, "c": 0, "d": 0})
    anchor = frame["system"] == ANCHOR_MID
    frame.loc[anchor & frame["sentence"].isin(["s0", "s1"]) & frame["listener"].isin(["a", "b"]), "value"] = 95.0
    assert all(row.anchor_share == 0 for row in screening(frame))
    frame.loc[anchor & frame["sentence"].isin(["s5", "s6"]) & (frame["listener"] == "c"), "value"] = 95.0
    shares = {row.listener: row.anchor_share for row in screening(frame)}
    assert shares == {"a": 0, "b": 0, "c": 0.25, "d": 0}  # of the eight items that count
    assert "c" not in set(apply_exclusions(frame, make_study("mushra")).kept["listener"])


def test_each_rule_catches_its_listener_and_says_so() -> None:
    frame = make_ratings("acr-naturalness", 12, bots=0)
    main = frame["role"] == "main"
    frame.loc[(frame["role"] == "trap") & (frame["listener"] == "L03"), "value"] = 0.0
    frame.loc[main & (frame["listener"] == "L04"), ["value", "response"]] = [3.0, "3"]
    frame.loc[main & (frame["listener"] == "L05"), "underruns"] = 2
    frame.loc[main & (frame["listener"] == "L06"), "elapsed_s"] = 0.5
    again = (frame["role"] == "repeat") & (frame["listener"] == "L07")
    frame.loc[again, "value"] = np.where(frame.loc[again, "value"] > 3, 1.0, 5.0)
    sessions = make_sessions()
    sessions.loc[2, "headphones"] = "failed"
    study = make_study("acr-naturalness")
    rules = replace(study.exclusion, failed_headphones=True, repeat_disagreement=0.4, mean_seconds_below=2.0)
    done = apply_exclusions(frame, study.with_changes(exclusion=rules), sessions)
    caught = {of.name: of.caught for of in done.outcomes}
    assert caught["incomplete"] == ("L00",) and caught["headphones"] == ("L02",) and caught["traps"] == ("L03",)
    assert caught["same answer"] == ("L04",) and caught["underruns"] == ("L05",) and caught["too quick"] == ("L06",)
    assert caught["repeats"] == ("L07",)
    assert done.outcomes[-1].left == 5 and set(done.kept["listener"]) == {"L01", "L08", "L09", "L10", "L11"}


def test_a_share_of_one_switches_a_rule_off() -> None:
    study = make_study("acr-naturalness")
    off = replace(study.exclusion, failed_traps=1.0)
    names = [
        of.name for of in apply_exclusions(make_ratings("acr-naturalness"), study.with_changes(exclusion=off)).outcomes
    ]
    assert "traps" not in names and "underruns" in names


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_analysed_into_json(protocol: str) -> None:
    frame = make_ratings("abx" if protocol == "abx-offline" else "mushra" if protocol == "multi-stimulus" else protocol)
    frame["protocol"] = protocol
    found = analyse(frame, make_study(protocol), sessions=make_sessions())
    content = json.loads(found.to_json())
    assert content["counts"]["listeners_before"] == 12 and content["counts"]["listeners"] < 12
    assert content["estimates"] and content["methods"] and content["balance"]
    assert [title for title, rows in found.tables() if not rows] == []
    assert content["before_after"][0]["stage"] == "nobody excluded"


def test_bots_widen_what_they_touch_until_they_are_excluded() -> None:
    found = analyse(make_ratings("acr-naturalness", 18, bots=6), make_study("acr-naturalness"))
    rows = {(row["stage"], row["system"]): row for row in found.before_after}
    before, after = (
        rows[stage, "full"]["mean"] - rows[stage, "naive"]["mean"] for stage in ("nobody excluded", "after: traps")
    )
    assert after > before > 0
    assert {row["rule"]: row["removed"] for row in found.exclusions}["traps"] == 6


def test_means_and_differences_are_of_those_who_stay() -> None:
    frame = make_ratings("acr-naturalness", 12, bots=3)
    found = analyse(frame, make_study("acr-naturalness"))
    stay = frame[(frame["role"] == "main") & (frame["listener"] < "L09")]
    for row in found.estimates:
        assert row["mean"] == pytest.approx(stay.loc[stay["system"] == row["system"], "value"].mean())
    pairs = {(row["a"], row["b"]) for row in found.differences}
    assert pairs == {("naive", "full"), ("streamflow-sr", "full"), ("streamflow-sr", "naive")}
    assert all(row["p_holm"] >= row["p_value"] for row in found.differences)


def test_preferences_are_tested_against_no_preference() -> None:
    rows = {row["system"]: row for row in analyse(make_ratings("ab", 24, bots=0), make_study("ab")).estimates}
    assert rows["naive against full"]["p_value"] < 0.001 and rows["naive against full"]["mean"] < 0.5
    assert rows["streamflow-sr against full"]["p_holm"] > 0.01


def test_nobody_left_names_the_rules() -> None:
    with pytest.raises(StudyError, match="traps 12"):
        analyse(make_ratings("acr-naturalness", 12, bots=12), make_study("acr-naturalness"))
    with pytest.raises(StudyError, match="no ratings yet"):
        analyse(make_ratings("acr-naturalness").iloc[:0], make_study("acr-naturalness"))


def test_methods_say_what_reviewers_ask() -> None:
    study = make_study("acr-naturalness", question={"en": "How natural is it?"}, simulated=True)
    facts = {"recruitment": "students, paid 12 an hour", "scale_labels": ["5 Excellent", "1 Bad"]}
    found = analyse(make_ratings("acr-naturalness"), study, facts=facts, sessions=make_sessions())
    text = " ".join(paragraph for passage in found.methods for paragraph in passage["paragraphs"])
    for said in ("How natural is it?", "5 Excellent; 1 Bad", "1 to 5, in steps of 1", "paid 12 an hour", "−26 dBov",
                 "Woods et al.", "traps wrong (2)", "Satterthwaite", "other sentences", "simulated"):  # fmt: skip
        assert said in text


def test_anomalies_name_duplicates_and_haste_without_excluding() -> None:
    frame = make_ratings("acr-naturalness", 12, bots=0)
    frame.loc[frame["listener"] == "L02", "elapsed_s"] = 0.4
    found = {(row["listener"], row["what"]) for row in anomalies(frame, make_sessions())}
    assert {("L00", "participant again"), ("L01", "participant again"), ("L02", "quick")} <= found


class TestObjective:
    def scores(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        cells = frame.groupby(["system", "sentence"], as_index=False)["value"].mean()
        rng = np.random.default_rng(0)
        good = cells.rename(columns={"sentence": "utterance"}).assign(metric="good", identity="good[1]")
        noise = good.assign(metric="noise", identity="noise[1]", value=rng.normal(size=len(good)))
        lost = good.iloc[:1].assign(metric="lost", identity="lost[1]", value=np.nan)
        return pandas.concat([good, noise, lost], ignore_index=True)

    def test_correlations_are_scipys_and_their_intervals_hold_them(self) -> None:
        frame = make_ratings("acr-naturalness", 18, bots=0)
        main, scores = frame[frame["role"] == "main"], self.scores(frame[frame["role"] == "main"])
        table = correlations(main, scores, replicates=100).set_index(["metric", "level"])
        assert table.loc[("good", "utterance"), "pearson"] == pytest.approx(1.0)
        cells = main.groupby(["system", "sentence"])["value"].mean()
        noise = scores[scores["metric"] == "noise"].set_index(["system", "utterance"])["value"]
        row = table.loc[("noise", "utterance")]
        assert row["spearman"] == pytest.approx(stats.spearmanr(noise.to_numpy(), cells.to_numpy()).statistic)
        assert row["kendall"] == pytest.approx(stats.kendalltau(noise.to_numpy(), cells.to_numpy()).statistic)
        assert row["pearson_low"] < row["pearson"] < row["pearson_high"] and row["n"] == 27
        assert "lost" not in table.index.get_level_values("metric")

    def test_nothing_in_common_gives_no_rows(self) -> None:
        frame = make_ratings("acr-naturalness", 6, bots=0)
        assert correlations(frame, self.scores(frame).assign(utterance="another")).empty

"""Simulated listeners at the real service, a process of its own: a study end to end."""

from __future__ import annotations

import pytest

from listening_tests.analysing import analyse_study, exclusions_of
from listening_tests.analysis.crossed_bootstrap import mean_opinion
from listening_tests.errors import StudyError
from listening_tests.opening import load_open_study
from listening_tests.service.completion import verify_code
from listening_tests.simulation.qualities import parse_qualities, spaced_qualities
from listening_tests.simulation.simulate import simulate_study

pytestmark = pytest.mark.slow


def test_listeners_of_every_kind_take_a_study_and_the_screening_tells_them_apart(make_study, tmp_path):
    _, folder = make_study(
        sentences=12, seconds=2.0, protocol="acr-naturalness", screening={"traps": 4, "training": 0, "level": False},
        design={"listeners": 24},
    )  # fmt: skip
    done = simulate_study(folder, tmp_path / "copy", {"honest": 18, "bot": 6}, speed=6, seed=3)
    assert [visit.outcome for _, visit, _ in done.visits] == ["completed"] * 24
    excluded = exclusions_of(done.folder)
    kinds = {listener: kind for kind, _, listener in done.visits}
    assert sum(kinds[listener] == "bot" for listener in excluded) >= 4
    assert sum(kinds[listener] == "honest" for listener in excluded) <= 2
    refused = {kind: sum(visit.refused for of, visit, _ in done.visits if of == kind) for kind in ("honest", "bot")}
    assert refused["bot"] > 0 and refused["honest"] == 0, "answers without listening"
    opened = load_open_study(done.folder)
    assert all(verify_code(opened, visit.code) == "completed" for _, visit, _ in done.visits)
    frame = opened.store.ratings_frame(opened.study_id)
    main = frame[(frame["role"] == "main") & ~frame["listener"].isin(set(excluded))]
    means = [mean_opinion(main, system).mean for system in opened.study.systems]
    assert means == sorted(means, reverse=True), "the order of the latent qualities"
    written = analyse_study(opened)
    assert written.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (folder / "frozen.json").exists(), "the study itself was touched"


def test_completed_data_are_balanced_whoever_came(make_study, tmp_path):
    _, folder = make_study(sentences=6, screening={"traps": 0, "training": 0, "level": False}, design={"listeners": 6})
    done = simulate_study(folder, tmp_path / "copy", {"honest": 6}, speed=20)
    opened = load_open_study(done.folder)
    frame = opened.store.ratings_frame(opened.study_id)
    assert set(frame.groupby(["sentence", "system"]).size()) == {2}
    assert len(frame.groupby(["sentence", "system"])) == 18


def test_a_copy_is_not_made_over_another(make_study, tmp_path):
    _, folder = make_study()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "precious").write_text("x")
    with pytest.raises(StudyError, match="not empty"):
        simulate_study(folder, tmp_path / "copy", {"honest": 1})


def test_qualities_are_read_or_spaced():
    assert parse_qualities("a=4,b=2.5", ("a", "b")) == {"a": 4.0, "b": 2.5}
    assert parse_qualities("equal", ("a", "b")) == {"a": 3.5, "b": 3.5}
    assert list(spaced_qualities(("a", "b", "c")).values()) == pytest.approx([4.2, 3.3, 2.4])
    for wrong in ("a=4", "a=4,c=2", "a=x,b=1"):
        with pytest.raises(StudyError):
            parse_qualities(wrong, ("a", "b"))

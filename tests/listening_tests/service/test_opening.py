"""A study that is open cannot change."""

from __future__ import annotations

import json

import pytest

from listening_tests.errors import StudyError
from listening_tests.opening import close_study, load_open_study, open_study


def test_opening_again_gives_the_same_link_and_identity(make_study, database_url):
    _, folder = make_study()
    first = open_study(folder, database_url)
    assert first.state == "open"
    assert close_study(folder, database_url).state == "closed"
    assert first.state == "closed"
    again = open_study(folder, database_url)
    assert (again.token, again.identity, again.state) == (first.token, first.identity, "open")
    assert load_open_study(folder, database_url).token == first.token


def test_frozen_json_holds_the_hash_of_the_file_and_of_every_sound(make_study):
    study, folder = make_study()
    opened = open_study(folder)
    frozen = json.loads((folder / "frozen.json").read_text())
    assert frozen["study"] == study.hash()
    assert set(frozen["stimuli"]) == set(opened.stimuli.stimuli)
    assert frozen["opened_at"].endswith("Z")


def test_a_study_file_that_changed_is_refused(make_study):
    study, folder = make_study()
    open_study(folder)
    (folder / "study.toml").write_text(study.with_changes(seed=5).to_toml())
    for door in (open_study, load_open_study, close_study):
        with pytest.raises(StudyError, match=r"study\.toml"):
            door(folder)


def test_a_sound_that_changed_is_refused(make_study):
    _, folder = make_study()
    open_study(folder)
    sound = next((folder / "stimuli").glob("*.wav"))
    sound.write_bytes(sound.read_bytes()[:-2] + b"\x01\x02")
    with pytest.raises(StudyError, match="hash"):
        load_open_study(folder)


def test_a_sound_with_its_entry_changed_is_refused(make_study):
    _, folder = make_study()
    open_study(folder)
    table = json.loads((folder / "stimuli.json").read_text())
    table["stimuli"][0]["system"], table["stimuli"][1]["system"] = "beta", "alpha"
    (folder / "stimuli.json").write_text(json.dumps(table))
    with pytest.raises(StudyError, match=r"stimuli\.json"):
        load_open_study(folder)


def test_a_database_with_another_study_of_that_name_is_refused(make_study, database_url, tmp_path):
    study, folder = make_study("same")
    open_study(folder, database_url)
    moved = tmp_path / "elsewhere" / "same"
    moved.parent.mkdir()
    folder.rename(moved)
    (moved / "frozen.json").unlink()
    (moved / "study.toml").write_text(study.with_changes(seed=5).to_toml())
    with pytest.raises(StudyError, match="other content"):
        open_study(moved, database_url)


def test_a_study_never_opened_says_how_to(make_study):
    _, folder = make_study()
    with pytest.raises(StudyError, match="streamflow study open"):
        load_open_study(folder)


def test_a_design_that_the_sounds_do_not_allow_is_found_before_the_first_listener(make_study):
    _, folder = make_study(design={"trials": 99})
    with pytest.raises(StudyError):
        open_study(folder)
    assert not (folder / "frozen.json").exists()


def test_a_slip_of_the_pen_is_no_database(make_study, tmp_path, monkeypatch):
    _, folder = make_study()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="not a URL"):
        open_study(folder, "postgres")
    assert not (tmp_path / "postgres").exists()

"""Eight ways in which other tools corrupted data (notes/listening-tests.md, section 1), each of which must not be ours.

The fifth, the post-screening of MUSHRA, is an analysis and has its test there.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from listening_tests.store import StoreUnavailable

PLAIN = {"level": False, "training": 0, "traps": 0}


def test_1_a_comment_with_ampersands_and_plus_signs_arrives_as_written(visit):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.go_to("comments")
    text = 'A & B + C = 100 %; "x" <b> ü 语音 \\ \x00 &amp; a=b&c=d'
    assert listener.answer(step, answer={"text": text}).json()["next"]["done"] is True
    assert listener.opened.store.personal(listener.opened.study_id)[listener.session_id]["comment"] == text
    assert len(listener.opened.store.ratings_frame(listener.opened.study_id)) == 4


def test_2_the_value_kept_is_the_value_sent_and_an_unmoved_slider_is_no_answer(visit):
    listener = visit(protocol="mushra", screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    labels = [item["label"] for item in step["stimuli"] if item["label"] != "reference"]
    values = {label: 3 + 7 * index for index, label in enumerate(labels)}
    partly = {label: values[label] for label in labels[:-1]}
    assert listener.answer(step, answer={"values": partly}).status_code == 422
    assert listener.answer(step, answer={"values": values}).status_code == 200
    kept = [row for row in listener.opened.store.answers_of(listener.session_id) if row.step_id == step["step"]]
    assert kept[0].answer == {"values": values}


def test_3_listeners_who_start_at_once_never_share_a_slot_and_are_told_nothing_of_each_other(visit, another):
    first = visit(design={"listeners": 16}, screening=PLAIN)
    listeners = [another(first, seed) for seed in range(16)]
    barrier = threading.Barrier(16)

    def start(listener):
        barrier.wait()
        return listener.start().json()

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(start, listeners))
    slots = [first.opened.store.session(reply["session"]).slot for reply in replies]
    assert sorted(slots) == list(range(16))
    assert {frozenset(reply) for reply in replies} == {frozenset({"session", "resumed"})}


def test_3_a_rating_that_could_not_be_saved_is_not_called_saved(visit, monkeypatch):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    database = listener.opened.store._database
    monkeypatch.setattr(database, "write", lambda work: (_ for _ in ()).throw(disk_error()))
    response = listener.answer(step)
    assert response.status_code == 503
    assert "saved" not in response.json()
    assert int(response.headers["retry-after"]) >= 1
    monkeypatch.undo()
    assert listener.answer(step).json()["first"] is True


def test_4_what_one_listener_is_shown_never_moves_when_others_come(visit, another):
    first = visit(protocol="ab", design={"listeners": 12}, screening=PLAIN)
    first.start()
    step = first.go_to("trial")
    before = first.opened.store.steps(first.session_id)
    others = [another(first, seed) for seed in range(5)]
    for other in others:
        other.start()
        other.go_through()
    assert first.opened.store.steps(first.session_id) == before
    planned = first.opened.store.step(first.session_id, step["step"]).step
    assert first.answer(step, answer={"choice": "A"}).status_code == 200
    first.go_through()
    frame = first.opened.store.ratings_frame(first.opened.study_id)
    mine = frame[(frame["listener"] == first.session_id) & (frame["sentence"] == planned.secret["sentence"])]
    better = mine["system"].where(mine["value"] == 1.0, mine["against"])
    assert set(better) == {planned.secret["systems"]["A"]}


def test_4_two_listeners_are_two_listeners_whatever_their_browsers_keep(visit, another):
    first = visit(design={"listeners": 3}, screening=PLAIN)
    second = another(first, 1)
    first.start()
    second.start()
    assert first.session_id != second.session_id


def test_6_a_listener_who_hears_a_part_of_the_sentences_has_that_many_ratings(visit):
    listener = visit(protocol="abx", sentences=6, design={"listeners": 3, "trials": 2}, screening=PLAIN)
    listener.start()
    listener.go_through()
    frame = listener.opened.store.ratings_frame(listener.opened.study_id)
    assert len(frame) == 2
    assert frame["sentence"].str.startswith("sentence-").all()
    assert frame["value"].isin([0.0, 1.0]).all()


@pytest.mark.parametrize("protocol", ["acr-naturalness", "ccr", "ab", "abx", "mushra", "dcr"])
def test_7_every_rating_names_its_listener(visit, another, protocol):
    first = visit(protocol=protocol, design={"listeners": 4}, screening=PLAIN)
    ids = set()
    for seed in range(2):
        listener = another(first, seed)
        listener.start()
        listener.go_through()
        ids.add(listener.session_id)
    frame = first.opened.store.ratings_frame(first.opened.study_id)
    assert set(frame["listener"]) == ids


def test_8_every_refusal_is_a_status_and_a_reason_that_the_page_can_show(visit):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    bad = [
        listener.body(step, answer={"value": 6}), listener.body(step, answer={"value": "5"}),
        listener.body(step, answer=[]), listener.body(step, step="0" * 24), listener.body(step, client_id=""),
        listener.body(step, listened={}), listener.body(step, events="x"), {},
    ]  # fmt: skip
    listener.listen(step)
    for body in bad:
        response = listener.send(body)
        assert response.status_code in (409, 422)
        assert response.json()["error"]
        assert "\n" not in response.json()["error"]
    assert listener.step()["step"] == step["step"]


def disk_error() -> Exception:
    return StoreUnavailable("the database does not answer (disk full)")

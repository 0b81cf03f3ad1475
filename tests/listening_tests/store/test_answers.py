"""Answers: kept once, in order, in their own session, apart from what is personal."""

from __future__ import annotations

import threading

import pytest

from listening_tests.errors import AnswerError
from listening_tests.store import AlreadyAnswered, NotThisStep, Recorded, SessionOver


def test_a_listener_goes_through_and_the_session_is_complete_with_the_last_answer(store, start, answer_steps) -> None:
    session = start("p1")
    assert (session.slot, session.state, session.of, session.created) == (0, "active", 6, True)
    assert answer_steps(session) == 6
    assert store.session(session.token).state == "complete"
    store.finish(session.session_id)
    assert store.current_step(session.session_id, 99.0) is None


def test_a_step_shows_its_place_and_the_time_that_remains(store, start, answer_steps) -> None:
    session = start()
    first, second = store.next_steps(session.session_id, 3.0)
    assert (first.position, first.of, first.remaining_s, first.delivered_at) == (0, 6, 56.0, 3.0)
    assert (second.position, second.delivered_at) == (1, None)
    assert store.current_step(session.session_id, 50.0).delivered_at == 3.0
    answer_steps(session, 2)
    assert store.current_step(session.session_id, 4.0).remaining_s == 31.0


def test_an_answer_sent_again_counts_once(store, start) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    given = (session.session_id, step.step_id, "client", {"agreed": True}, {"A": [[0, 1.5]]}, [{"type": "play"}])
    assert store.record(*given, 2.0) == Recorded(first=True, complete=False)
    assert store.record(*given, 9.0) == Recorded(first=False, complete=False)
    (kept,) = store.answers("voices")
    assert (kept.answered_at, kept.elapsed_s, kept.listened) == (2.0, 1.0, {"A": [[0, 1.5]]})


def test_the_last_answer_sent_again_after_the_end_is_still_acknowledged(store, start, answer_steps) -> None:
    session = start()
    answer_steps(session)
    last = store.steps(session.session_id)[-1]
    again = store.record(session.session_id, last.step_id, f"{session.session_id}-5", {"text": ""}, {}, [], 99.0)
    assert again == Recorded(first=False, complete=True)


def test_another_answer_to_an_answered_step_is_refused_and_the_first_stays(store, start) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    store.record(session.session_id, step.step_id, "one", {"agreed": True}, {}, [], 2.0)
    with pytest.raises(AlreadyAnswered):
        store.record(session.session_id, step.step_id, "two", {"agreed": False}, {}, [], 3.0)
    assert [row.answer for row in store.answers("voices")] == [{"agreed": True}]


def test_a_client_id_answers_one_step_alone_but_two_listeners_may_have_the_same(store, start) -> None:
    one, two = start(), start()
    for session in (one, two):
        step = store.current_step(session.session_id, 1.0)
        assert store.record(session.session_id, step.step_id, "same", {"agreed": True}, {}, [], 2.0).first
    following = store.current_step(one.session_id, 3.0)
    with pytest.raises(AlreadyAnswered):
        store.record(one.session_id, following.step_id, "same", {"replies": {}}, {}, [], 4.0)
    assert store.current_step(one.session_id, 5.0).step_id == following.step_id


def test_steps_of_others_and_steps_out_of_turn_are_refused(store, start) -> None:
    one, two = start(), start()
    other = store.current_step(two.session_id, 1.0)
    ahead = store.steps(one.session_id)[1]
    for step_id in (other.step_id, ahead.step_id, "no such step"):
        with pytest.raises(NotThisStep):
            store.record(one.session_id, step_id, "c", {"agreed": True}, {}, [], 2.0)
    assert store.answers("voices") == []
    assert store.step(one.session_id, other.step_id) is None
    assert store.step(one.session_id, ahead.step_id) == ahead


@pytest.mark.parametrize("client_id", ["", "x" * 101, "a\nb", "é", None, 7])
def test_a_client_id_no_page_makes_is_refused(store, start, client_id) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    with pytest.raises(AnswerError, match="client_id"):
        store.record(session.session_id, step.step_id, client_id, {"agreed": True}, {}, [], 2.0)


def test_a_session_that_ended_takes_no_answers(store, start) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    store.screen_out(session.session_id, 2.0)
    with pytest.raises(SessionOver):
        store.record(session.session_id, step.step_id, "c", {"agreed": True}, {}, [], 3.0)
    assert store.current_step(session.session_id, 4.0) is None


def test_the_same_answer_from_many_threads_is_first_for_one_of_them(store, start) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    ready, firsts = threading.Barrier(12), []

    def send() -> None:
        ready.wait()
        firsts.append(store.record(session.session_id, step.step_id, "c", {"agreed": True}, {}, [], 2.0).first)

    threads = [threading.Thread(target=send) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(firsts) == [False] * 11 + [True]
    assert len(store.answers("voices")) == 1


def test_different_answers_from_many_threads_leave_one(store, start) -> None:
    session = start()
    step = store.current_step(session.session_id, 1.0)
    ready, outcomes = threading.Barrier(12), []

    def send(client: int) -> None:
        ready.wait()
        try:
            given = {"agreed": True, "from": client}
            store.record(session.session_id, step.step_id, str(client), given, {}, [], 2.0)
            outcomes.append(client)
        except AlreadyAnswered:
            outcomes.append(None)

    threads = [threading.Thread(target=send, args=(client,)) for client in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    (winner,) = [client for client in outcomes if client is not None]
    assert len(outcomes) == 12
    assert [row.answer["from"] for row in store.answers("voices")] == [winner]


def test_any_text_a_listener_can_send_comes_back_unchanged(store, start, answer_steps) -> None:
    session = start()
    answer_steps(session)
    assert store.personal("voices")[session.session_id]["comment"] == "Grüße & 1+1=2 \x00 \ud800"


def test_underruns_and_coverage_reach_the_ratings(store, start, answer_steps) -> None:
    session = start()
    answer_steps(session, 2)
    step = store.current_step(session.session_id, 10.0)
    log = [{"type": "play"}, {"type": "underrun", "s": 0.1}, {"type": "underrun"}, "not an event"]
    store.record(session.session_id, step.step_id, "c", {"value": 2}, {"A": [[0, 1]]}, log, 14.5, coverage=0.995)
    frame = store.ratings_frame("voices", complete_only=False)
    row = frame.iloc[0]
    assert (row["value"], row["underruns"], row["coverage"]) == (2.0, 2, 0.995)
    assert (row["system"], row["sentence"], row["role"], row["listener"]) == ("alpha", "s0", "main", session.session_id)
    assert row["answered_at"] == "1970-01-01T00:00:14.500+00:00"
    assert len(store.ratings_frame("voices")) == 0
    assert list(store.ratings_frame("voices").columns) == list(frame.columns)

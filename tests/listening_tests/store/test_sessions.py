"""Sessions and slots: one holder each, given back on drop-out, never after completion."""

from __future__ import annotations

import threading

import pytest

from listening_tests.errors import StudyError
from listening_tests.store import InvitationError, SessionOver, StudyClosed, StudyFull


def test_slots_are_given_lowest_first_and_then_the_study_is_full(start) -> None:
    assert [start(slots=3).slot for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StudyFull, match="3 listeners"):
        start(slots=3)


def test_the_same_person_comes_back_to_the_same_session_with_both_tokens_good(store, start, answer_steps) -> None:
    first = start("p1")
    answer_steps(first, 3)
    again = start("p1", now=50.0)
    assert (again.session_id, again.slot, again.created, again.position) == (first.session_id, 0, False, 3)
    assert again.token != first.token
    assert store.session(first.token).session_id == store.session(again.token).session_id == first.session_id
    assert store.session("guessed") is None


def test_coming_back_shows_the_same_step_from_another_process_too(store, start, answer_steps, database_url) -> None:
    from listening_tests.store import Store

    session = start("p1")
    answer_steps(session, 3)
    shown = store.current_step(session.session_id, 9.0)
    with Store.open(database_url) as restarted:
        assert restarted.current_step(session.session_id, 20.0) == shown
        assert restarted.steps(session.session_id) == store.steps(session.session_id)


def test_a_complete_session_keeps_its_slot_and_is_what_its_person_gets(store, start, answer_steps) -> None:
    session = start("p1", slots=1)
    answer_steps(session)
    assert store.return_idle(1e9) == []
    with pytest.raises(StudyFull):
        start("p2", slots=1)
    again = start("p1", slots=1)
    assert (again.state, again.created, again.session_id) == ("complete", False, session.session_id)


@pytest.mark.parametrize("leave", ["screen_out", "withdraw", "withdraw-delete", "idle"])
def test_the_slot_of_who_leaves_goes_to_the_next(store, start, answer_steps, leave) -> None:
    gone = start("p1", slots=1)
    answer_steps(gone, 4)
    if leave == "idle":
        assert store.return_idle(4.0) == []  # seen at 4.5
        assert store.return_idle(5.0) == [("voices", 0)]
    elif leave == "screen_out":
        store.screen_out(gone.session_id)
    else:
        store.withdraw(gone.session_id, delete=leave.endswith("delete"))
    assert start("p2", slots=1).slot == 0
    assert len(store.answers("voices")) == (0 if leave == "withdraw-delete" else 4)
    assert len(store.ratings_frame("voices")) == 0


def test_who_was_idle_goes_on_while_the_slot_is_free_and_not_after(store, start, answer_steps) -> None:
    session = start("p1", slots=1)
    answer_steps(session, 2)
    step = store.current_step(session.session_id, 10.0)
    store.return_idle(11.0)
    assert store.record(session.session_id, step.step_id, "back", {"value": 3}, {}, [], 12.0).first
    assert store.session(session.token).state == "active"
    following = store.current_step(session.session_id, 12.5)
    store.return_idle(13.0)
    assert start("p2", slots=1, now=14.0).slot == 0
    with pytest.raises(SessionOver, match="another listener"):
        store.current_step(session.session_id, 15.0)
    with pytest.raises(SessionOver):
        store.record(session.session_id, following.step_id, "other", {"value": 3}, {}, [], 16.0)


def test_starting_gives_back_idle_slots_first_where_asked(start) -> None:
    start("p1", slots=1, now=0.0)
    with pytest.raises(StudyFull):
        start("p2", slots=1, now=100.0)
    assert start("p2", slots=1, now=100.0, idle_before=50.0).slot == 0


def test_a_complete_session_that_is_withdrawn_with_deletion_frees_its_slot(store, start, answer_steps) -> None:
    session = start("p1", slots=1)
    answer_steps(session)
    store.withdraw(session.session_id, delete=False)
    assert store.session(session.token).state == "complete"
    store.withdraw(session.session_id, delete=True)
    assert store.answers("voices") == [] and store.personal("voices") == {}
    assert start("p1", slots=1).state == "withdrawn"
    assert start("p2", slots=1).slot == 0


def test_a_closed_study_takes_nobody_new_but_lets_sessions_end(store, start, answer_steps) -> None:
    session = start("p1")
    store.set_state("voices", "closed")
    with pytest.raises(StudyClosed):
        start("p2")
    assert start("p1").session_id == session.session_id
    assert answer_steps(session) == 6
    store.set_state("voices", "open")
    assert start("p2").created


def test_finishing_early_is_refused(store, start, answer_steps) -> None:
    session = start()
    answer_steps(session, 5)
    with pytest.raises(StudyError, match="5 of 6 steps"):
        store.finish(session.session_id)
    answer_steps(session)
    with pytest.raises(SessionOver):
        store.screen_out(session.session_id)


def test_a_plan_that_fails_leaves_the_slot_and_the_invitation_free(store, start) -> None:
    def broken(slot: int, session_id: str) -> list:
        raise StudyError("no clip of alpha")

    (invitation,) = store.create_invitations("voices", 1)
    with pytest.raises(StudyError, match="no clip"):
        start(slots=1, invitation=invitation, make_steps=broken)
    with pytest.raises(StudyError, match="no steps for slot 0"):
        start(slots=1, invitation=invitation, make_steps=lambda slot, session_id: [])
    assert store.counts("voices").started == 0
    assert start(slots=1, invitation=invitation).slot == 0


def test_an_invitation_is_one_session(store, start) -> None:
    one, two = store.create_invitations("voices", 2)
    assert store.is_invited("voices", one) and not store.is_invited("voices", "guessed")
    session = start(invitation=one)
    assert start(invitation=one).session_id == session.session_id
    with pytest.raises(InvitationError):
        start("prolific", invitation=one)
    with pytest.raises(InvitationError):
        start(invitation="guessed")
    assert store.invitations("voices") == (2, 1)
    assert start(invitation=two).slot == 1


def test_many_threads_never_hold_one_slot_twice(store, start) -> None:
    ready, slots = threading.Barrier(16), []

    def begin() -> None:
        ready.wait()
        try:
            slots.append(start(slots=10).slot)
        except StudyFull:
            slots.append(None)

    threads = [threading.Thread(target=begin) for _ in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(slot for slot in slots if slot is not None) == list(range(10))
    assert slots.count(None) == 6


def test_one_person_on_many_devices_at_once_gets_one_session(store, start) -> None:
    ready, started = threading.Barrier(8), []

    def begin() -> None:
        ready.wait()
        started.append(start("p1", slots=5))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(started) == 8 and len({session.session_id for session in started}) == 1
    assert sum(session.created for session in started) == 1
    assert len(store.steps(started[0].session_id)) == 6


def test_the_monitor_counts_states_slots_and_where_listeners_stopped(store, start, answer_steps) -> None:
    answer_steps(start(slots=4))
    answer_steps(start(slots=4), 3)
    out = start(slots=4)
    answer_steps(out, 1)
    store.screen_out(out.session_id)
    assert sorted(session.state for session in store.sessions("voices")) == ["active", "complete", "screened-out"]
    assert sum(session.position for session in store.sessions("voices")) == 10
    counts = store.counts("voices")
    assert (counts.started, counts.complete, counts.answers) == (3, 1, 10)
    assert counts.states["active"] == counts.states["screened-out"] == 1
    assert counts.slots == {0: "complete", 1: "held"}
    assert [row.answered for row in counts.drop_off] == [3, 2, 2, 1, 1, 1]
    assert [row.delivered for row in counts.drop_off] == [3, 3, 2, 2, 1, 1]

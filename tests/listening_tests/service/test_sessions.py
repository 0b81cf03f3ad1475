"""Starting, coming back, being sent home, finishing: what a listener goes through."""

from __future__ import annotations

import pytest

from listening_tests.service.completion import verify_code

PLAIN = {"level": False, "training": 0, "traps": 0}


def test_an_answer_sent_again_is_counted_once(visit):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    listener.listen(step)
    body = listener.body(step)
    first, again = listener.send(body).json(), listener.send(body).json()
    assert (first["saved"], first["first"]) == (True, True)
    assert (again["saved"], again["first"]) == (True, False)
    assert first["next"] == again["next"]
    assert first["next"]["saved"] == step["saved"] + 1


def test_another_answer_to_an_answered_step_is_refused_and_the_first_stays(visit):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    assert listener.answer(step, answer={"value": 2}).status_code == 200
    assert listener.answer(step, answer={"value": 5}).status_code == 409
    kept = [row for row in listener.opened.store.answers_of(listener.session_id) if row.step_id == step["step"]]
    assert [row.answer for row in kept] == [{"value": 2}]


def test_steps_cannot_be_skipped(visit):
    listener = visit(screening=PLAIN)
    listener.start()
    step = listener.step()
    ahead = listener.opened.store.steps(listener.session_id)[2].step_id
    assert listener.answer({**step, "step": ahead}, answer={"value": 3}).status_code == 409
    assert listener.step() == step


def test_coming_back_with_the_same_token_shows_the_same_step_sounds_and_order(visit, another):
    listener = visit(protocol="abx", screening=PLAIN)
    listener.start()
    step = listener.go_to("trial")
    device = another(listener, 1)
    device.token = listener.token
    assert device.step() == step
    begun = device.start(session=listener.token).json()
    assert begun == {"session": listener.token, "resumed": True}


@pytest.mark.parametrize(
    "parameters",
    [{"PROLIFIC_PID": "5f1"}, {"workerId": "W1", "assignmentId": "A1", "hitId": "H"}],
)
def test_a_crowd_worker_on_another_device_finds_the_same_session(visit, another, parameters):
    listener = visit(screening=PLAIN)
    assert listener.start(parameters=parameters).json()["resumed"] is False
    step = listener.go_to("trial")
    device = another(listener, 1)
    begun = device.start(parameters=parameters).json()
    assert begun["resumed"] is True
    assert begun["session"] != listener.token
    assert device.step() == step
    assert listener.start(parameters=parameters, session=listener.token).json()["session"] == listener.token


def test_a_second_person_at_a_shared_computer_gets_a_session_of_their_own(visit):
    listener = visit(screening=PLAIN, design={"listeners": 2})
    listener.start(parameters={"PROLIFIC_PID": "first"})
    first = listener.session_id
    reply = listener.start(parameters={"PROLIFIC_PID": "second"}, session=listener.token).json()
    assert reply["resumed"] is False
    assert listener.session_id != first


def test_a_preview_on_mechanical_turk_takes_no_slot(visit):
    listener = visit(screening=PLAIN)
    shown = {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "H"}
    assert listener.start(parameters=shown).status_code == 403
    assert listener.opened.store.counts(listener.opened.study_id).started == 0


def test_invitations_open_one_session_each(visit, another):
    listener = visit(screening=PLAIN, access={"invitation": True})
    opened = listener.opened
    invitation = opened.store.create_invitations(opened.study_id, 1)[0]
    assert listener.request("GET", f"/api/studies/{opened.token}").json()["needs_invitation"] is True
    assert listener.start().status_code == 403
    assert listener.start(invitation="made-up").status_code == 403
    assert listener.start(invitation=invitation).json()["resumed"] is False
    device = another(listener, 1)
    assert device.start(invitation=invitation).json()["resumed"] is True
    assert device.session_id == listener.session_id
    assert listener.start(session=listener.token).json()["session"] == listener.token


def test_the_code_comes_after_the_last_answer_is_the_same_every_time_and_verifies(visit, another):
    listener = visit(screening=PLAIN, completion={"return_url": "https://crowd.example/done?cc={code}"})
    listener.start()
    step = listener.step()
    while "step" in step:
        assert "completion" not in step
        step = listener.answer(step).json()["next"]
    code = step["completion"]["code"]
    assert step["completion"]["return_url"] == f"https://crowd.example/done?cc={code}"
    assert listener.step()["completion"]["code"] == code
    assert verify_code(listener.opened, code) == "completed"
    assert verify_code(listener.opened, code.lower().replace("-", " ")) == "completed"
    other = another(listener, 1)
    other.start()
    assert other.go_through()["completion"]["code"] != code


@pytest.mark.parametrize("change", [lambda code: code[::-1], lambda code: "", lambda code: code[:-1] + "?",
                                    lambda code: ("0" if code[0] != "0" else "1") + code[1:]])  # fmt: skip
def test_a_made_up_code_does_not_verify(visit, change):
    listener = visit(screening=PLAIN)
    listener.start()
    code = listener.go_through()["completion"]["code"]
    assert verify_code(listener.opened, change(code)) is None


def test_a_fixed_code_of_the_crowd_is_passed_on(visit):
    listener = visit(screening=PLAIN, completion={"code": "C1ABCDEF"})
    listener.start()
    assert listener.go_through()["completion"]["code"] == "C1ABCDEF"


def headphones(listener, right: bool):
    """Answer every round as the server's key says, or otherwise; what comes then."""
    step = listener.step()
    while step.get("kind") in ("consent", "headphones"):
        given = {}
        if step["kind"] == "headphones":
            key = listener.opened.store.step(listener.session_id, step["step"]).step.secret["answer"]
            given = {"answer": {"choice": key if right else next(label for label in "123" if label != key)}}
        step = listener.answer(step, **given).json()["next"]
    return step


@pytest.mark.parametrize("required", [True, False])
def test_who_fails_every_headphone_check_is_sent_home_only_where_the_study_says_so(visit, another, required):
    screening = {**PLAIN, "headphones": ["woods", "milne"], "headphones_required": required}
    listener = visit(screening=screening, design={"listeners": 1})
    listener.start()
    end = headphones(listener, right=False)
    assert ("screened_out" in end) == required
    if required:
        assert verify_code(listener.opened, end["completion"]["code"]) == "screened_out"
        assert listener.step() == end
        assert listener.opened.store.session(listener.token).state == "screened-out"
        assert another(listener, 1).start().status_code == 200  # the slot is free again


def test_who_passes_one_check_goes_on(visit):
    listener = visit(screening={**PLAIN, "headphones": ["woods"], "headphones_required": True})
    listener.start()
    assert headphones(listener, right=True)["kind"] == "trial"


def test_a_kill_between_the_last_round_and_the_verdict_lets_nobody_through(visit, another, monkeypatch):
    listener = visit(screening={**PLAIN, "headphones": ["woods"], "headphones_required": True})
    listener.start()
    monkeypatch.setattr(type(listener.opened.store), "screen_out", lambda *_: (_ for _ in ()).throw(RuntimeError))
    step = listener.step()
    for _ in range(7):
        given = {} if step["kind"] == "consent" else {"answer": {"choice": wrong(listener, step)}}
        reply = listener.answer(step, **given)
        step = reply.json().get("next", {})
    assert reply.status_code == 500
    monkeypatch.undo()
    assert listener.step()["screened_out"] is True


def wrong(listener, step) -> str:
    key = listener.opened.store.step(listener.session_id, step["step"]).step.secret["answer"]
    return next(label for label in "123" if label != key)


@pytest.mark.parametrize("delete", [True, False])
def test_withdrawing_ends_the_session_and_deletes_what_was_said_where_asked(visit, delete):
    listener = visit(screening=PLAIN)
    listener.start()
    listener.answer(listener.go_to("trial"))
    session_id = listener.session_id
    reply = listener.request("POST", "/api/withdraw", json={"delete_ratings": delete}).json()
    assert reply == {"withdrawn": True, "deleted": delete}
    assert listener.step()["withdrawn"] is True
    assert (listener.opened.store.answers_of(session_id) == []) == delete
    assert listener.start(session=listener.token).json()["resumed"] is False


def test_a_session_idle_for_too_long_gives_its_slot_back_and_returns_to_it_while_it_is_free(visit, another, clock):
    listener = visit(screening=PLAIN, design={"listeners": 1}, access={"return_slot_after_min": 30.0})
    listener.start()
    step = listener.go_to("trial")
    second = another(listener, 1)
    clock.pass_time(29 * 60)
    assert second.start().status_code == 409
    clock.pass_time(2 * 60)
    assert second.start().status_code == 200
    assert listener.request("GET", "/api/step").status_code == 404
    assert listener.answer(step).status_code == 404


def test_the_link_keeps_what_the_crowd_added(visit):
    listener = visit()
    token = listener.opened.token
    reply = listener.request("GET", f"/s/{token}?PROLIFIC_PID=p&STUDY_ID=s")
    assert reply.status_code == 303
    assert reply.headers["location"] == f"../listen/?study={token}&PROLIFIC_PID=p&STUDY_ID=s"
    assert listener.request("GET", "/s/unknown").status_code == 404


def test_replies_about_oneself_are_kept_apart_from_ratings(visit):
    listener = visit(screening=PLAIN, questions=["hearing", "gender"])
    listener.start(parameters={"PROLIFIC_PID": "pid-of-mine"})
    step = listener.go_to("questions")
    listener.answer(step, answer={"replies": {"hearing": "very-own-words"}})
    store, study_id = listener.opened.store, listener.opened.study_id
    assert store.personal(study_id)[listener.session_id]["hearing"] == "very-own-words"
    assert "very-own-words" not in repr(store.answers(study_id))
    assert "pid-of-mine" not in repr(store.answers(study_id))

"""Requests that no page of ours makes: refused as such, never a failure of the server, and nothing is kept of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from listening_tests.analysing import sessions_of

UNREADABLE = {
    "an infinite number": '{"at": 1e999}',
    "an integer that no float holds": '{"at": 1' + "0" * 400 + "}",
    "a list of a thousand lists": '{"at": ' + "[" * 900 + "]" * 900 + "}",
    "a list of very many lists": '{"at": ' + "[" * 50_000 + "]" * 50_000 + "}",
}


@pytest.mark.parametrize("event", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_log_that_cannot_be_kept_is_refused_and_the_answer_can_still_be_given(
    visit: Callable[..., Any], event: str
) -> None:
    listener = visit()
    listener.start()
    step = listener.step()
    body = listener.body(step)
    text = json.dumps(body).replace('"events": []', f'"events": [{event}]')
    refused = listener.request("POST", "/api/answers", content=text.encode())
    assert refused.status_code == 400, refused.text
    accepted = listener.answer(step, events=[{"type": "play", "at": 0.25, "state": {"a": [[1, 2]]}}])
    assert accepted.json()["first"] is True


@pytest.mark.parametrize("end", ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "99999999999999999999"])
def test_an_interval_that_ends_nowhere_is_no_listening(visit: Callable[..., Any], end: str) -> None:
    listener = visit()
    listener.start()
    step = listener.go_to("trial")
    listener.listen(step)
    heard = {item["label"]: [[0.0, "END"]] for item in step["stimuli"]}
    text = json.dumps(listener.body(step, listened=heard)).replace('"END"', end)
    assert listener.request("POST", "/api/answers", content=text.encode()).status_code == 400
    assert listener.step()["step"] == step["step"]


@pytest.mark.parametrize("choice", [[], {}, ["1"], None, 1, True])
def test_a_choice_of_a_headphone_round_that_is_no_label_is_refused(visit: Callable[..., Any], choice: Any) -> None:
    listener = visit(screening={"headphones": ["woods"]})
    listener.start()
    step = listener.go_to("headphones")
    assert listener.answer(step, answer={"choice": choice}).status_code == 422


def test_a_participants_identifier_is_no_invitation(visit: Callable[..., Any], another: Callable[..., Any]) -> None:
    guest = visit(access={"invitation": True})
    intruder = another(guest, 1)
    for parameters in ({"PROLIFIC_PID": "made-up"}, {"workerId": "made-up", "assignmentId": "1"}):
        refused = intruder.start(parameters=parameters)
        assert (refused.status_code, refused.json()["reason"]) == (403, "invitation")
    (invitation,) = guest.opened.store.create_invitations(guest.opened.study_id, 1)
    assert guest.start(parameters={"PROLIFIC_PID": "real"}, invitation=invitation).status_code == 200
    # the same person at another device, without the personal link
    assert another(guest, 2).start(parameters={"PROLIFIC_PID": "real"}).json()["resumed"] is True
    assert guest.opened.store.counts(guest.opened.study_id).started == 1


def test_an_identifier_that_is_no_text_does_not_stop_the_analysis(visit: Callable[..., Any]) -> None:
    listener = visit()
    body = json.dumps({"study": listener.opened.token, "parameters": {"PROLIFIC_PID": "a\ud800b"}})
    started = listener.request("POST", "/api/sessions", content=body.encode())
    listener.token = started.json()["session"]
    listener.go_through()
    assert sessions_of(listener.opened)["complete"].tolist() == [True]


def test_the_page_is_told_why_nobody_is_let_in(visit: Callable[..., Any], another: Callable[..., Any]) -> None:
    first = visit(design={"listeners": 1})
    assert first.start().status_code == 200
    assert another(first, 1).start().json()["reason"] == "full"
    first.opened.store.set_state(first.opened.study_id, "closed")
    assert another(first, 2).start().json()["reason"] == "closed"

"""The server's own judgement of whether a listener has listened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening_tests.errors import AnswerError
from listening_tests.service.listening import check_heard, measure, union_seconds

MILLISECONDS = st.integers(0, 3000)
INTERVALS = st.lists(st.tuples(MILLISECONDS, MILLISECONDS).map(sorted), max_size=12)


@given(INTERVALS)
def test_the_union_is_the_number_of_marked_milliseconds(intervals):
    marked = np.zeros(3001, bool)
    for start, end in intervals:
        marked[start:end] = True
    assert union_seconds([tuple(pair) for pair in intervals]) == marked.sum()


@given(INTERVALS, st.randoms())
def test_loops_and_order_do_not_change_the_union(intervals, rng):
    pairs = [tuple(pair) for pair in intervals]
    again = pairs * 3
    rng.shuffle(again)
    assert union_seconds(again) == union_seconds(pairs)


@given(st.floats(0.1, 20), st.floats(0, 1))
def test_coverage_is_the_share_that_was_played(length, share):
    heard = measure({"A": [[0, share * length]]}, {"A": length})
    assert heard.coverage["A"] == pytest.approx(share)
    assert heard.least == heard.coverage["A"]


def test_hearing_one_clip_does_not_unlock_the_other():
    lengths = {"A": 2.0, "B": 2.0}
    with pytest.raises(AnswerError, match="B"):
        check_heard(measure({"A": [[0, 2.0]]}, lengths), lengths, 0.99, 60.0)


def test_seeking_to_the_end_is_not_listening():
    lengths = {"A": 10.0}
    with pytest.raises(AnswerError):
        check_heard(measure({"A": [[0, 0.5], [9.5, 10.0]]}, lengths), lengths, 0.99, 60.0)


def test_more_sound_than_there_was_time_for_is_refused():
    lengths = {"A": 4.0, "B": 4.0}
    heard = measure({"A": [[0, 4]], "B": [[0, 4]]}, lengths)
    check_heard(heard, lengths, 0.99, 8.0)
    check_heard(heard, lengths, 0.99, None)
    with pytest.raises(AnswerError, match="time"):
        check_heard(heard, lengths, 0.99, 5.0)


@pytest.mark.parametrize(
    "report",
    [None, [], {"C": [[0, 1]]}, {"A": [[0]]}, {"A": [[1, 0]]}, {"A": [["0", "1"]]}, {"A": [[0, float("nan")]]},
     {"A": [[0, 99]]}, {"A": [[-9, 1]]}, {"A": "01"}, {"A": [[0, 1]] * 5000}, {"A": [[True, True]]}],
)  # fmt: skip
def test_a_report_that_cannot_be_is_refused(report):
    with pytest.raises(AnswerError):
        measure(report, {"A": 1.0})


def test_over_http_an_answer_waits_for_real_listening(visit):
    listener = visit(protocol="ab", screening={"level": False, "training": 0, "traps": 0})
    listener.start()
    step = listener.go_to("trial")
    seconds = step["stimuli"][0]["seconds"]
    listener.clock.pass_time(60)
    early = {"A": [[0, seconds]], "B": [[0, 0.5 * seconds]]}
    refused = listener.send(listener.body(step, listened=early))
    assert refused.status_code == 422
    assert "B" in refused.json()["error"]
    looped = {"A": [[0, seconds]] * 3, "B": [[0, 0.6 * seconds], [0.5 * seconds, seconds]]}
    assert listener.send(listener.body(step, listened=looped)).status_code == 200


def test_over_http_time_is_the_servers_own(visit):
    listener = visit(seconds=3.0, screening={"level": False, "training": 0, "traps": 0})
    listener.start()
    step = listener.go_to("trial")
    body = listener.body(step)
    assert listener.send(body).status_code == 422
    listener.clock.pass_time(2.0)
    assert listener.send(body).status_code == 422
    listener.clock.pass_time(1.0)
    assert listener.send(body).status_code == 200


def test_the_least_coverage_is_kept_with_the_rating(visit):
    listener = visit(listening={"coverage": 0.5}, screening={"level": False, "training": 0, "traps": 0})
    listener.start()
    step = listener.go_to("trial")
    half = {item["label"]: [[0, 0.75 * item["seconds"]]] for item in step["stimuli"]}
    listener.answer(step, listened=half)
    row = listener.opened.store.answers_of(listener.session_id)[-1]
    assert row.coverage == pytest.approx(0.75)

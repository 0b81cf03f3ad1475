"""A list of codes as people send them, checked at once; and what was done with a study, as its log tells it."""

from __future__ import annotations

import pytest

from listening_tests.errors import StudyError
from listening_tests.monitoring import log_of, monitor_study
from listening_tests.service.completion import check_codes

PLAIN = {"level": False, "training": 0, "traps": 0}


def test_codes_are_checked_against_those_who_finished(visit, another):
    first = visit(screening=PLAIN)
    first.start()
    code = first.go_through()["completion"]["code"]
    second = another(first, 1)
    second.start()
    second.go_through()
    third = another(first, 2)
    third.start()  # and goes no further
    found = check_codes(first.opened, f" {code.lower()} ;{code.replace('-', '')},\n0000-0000-0000-0000\n")
    outcomes = [(row["outcome"], row["given"]) for row in found.rows]
    assert outcomes == [("completed", 1), ("completed", 1), ("NOT given by this study", 1)]
    assert (found.wrong, found.matched, found.complete) == (1, 1, 2)
    assert found.summary() == "3 codes, 1 wrong; 1 of 2 complete sessions are among them"


@pytest.mark.parametrize("text", ["", " \n, ;"])
def test_no_code_is_told(visit, text):
    with pytest.raises(StudyError, match="no code to check"):
        check_codes(visit(screening=PLAIN).opened, text)


def test_a_code_that_all_have_cannot_be_checked(visit):
    with pytest.raises(StudyError, match="the same code"):
        check_codes(visit(screening=PLAIN, completion={"code": "C1"}).opened, "C1")


def test_unlocking_is_in_the_log_with_its_reason_and_looking_blind_is_not(visit):
    opened = visit(screening=PLAIN).opened
    list(monitor_study(opened))
    assert log_of(opened) == []
    list(monitor_study(opened, unlock=True, by="somebody", reason="it is over"))
    list(monitor_study(opened, unlock=True))
    assert [(row["who"], row["what"], row["more"]) for row in log_of(opened)] == [
        ("somebody", "unlock", "reason: it is over"), ("monitor", "unlock", "")
    ]  # fmt: skip

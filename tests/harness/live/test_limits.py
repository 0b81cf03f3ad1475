"""How many decodes run at once: their latencies are figures, so none may pay for another."""

from __future__ import annotations

import pytest

from harness.live import limits
from harness.live.errors import LiveError


@pytest.mark.parametrize(("cores", "running", "threads"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (16, 2, 8)])
def test_a_second_decode_runs_only_where_cores_are_left(monkeypatch, cores, running, threads):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    monkeypatch.setattr(limits, "cores", lambda: cores)
    made = limits.Limits()
    assert (made.running, made.threads_each) == (running, threads)


def test_the_operator_may_say_how_many(monkeypatch):
    monkeypatch.setenv(limits.VARIABLE, "3")
    assert limits.Limits().running == 3


@pytest.mark.parametrize("text", ["0", "-1", "many", "17", "1.5"])
def test_a_number_that_is_none_is_refused_in_one_line(monkeypatch, text):
    monkeypatch.setenv(limits.VARIABLE, text)
    with pytest.raises(LiveError, match=limits.VARIABLE):
        limits.Limits()

"""Arms take turns, there and back, and drift weighs alike on all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.turns import take_turns, timed


def test_arms_go_there_and_back_after_one_turn_that_does_not_count(clock):
    order = []
    arms = {name: timed(lambda n=name: order.append(n), clock) for name in "ABC"}
    turns = take_turns(arms, 2, clock=clock)
    assert "".join(order) == "ABC" + "ABCCBA" * 2
    assert all(len(turns.of(name, "seconds")) == 2 for name in "ABC")


@given(drift=st.floats(1.0, 1.5), factor=st.floats(0.2, 5.0))
def test_a_machine_that_slows_down_steadily_changes_no_ratio(drift, factor):
    now, slowness = [0.0], [1.0]

    def work(amount):
        def turn():
            now[0] += amount * slowness[0]
            slowness[0] *= drift

        return turn

    arms = {"a": timed(work(1.0), lambda: now[0]), "b": timed(work(factor), lambda: now[0])}
    ratio = take_turns(arms, 3, clock=lambda: now[0]).ratio("b", "a", "seconds")
    assert ratio.ratio == pytest.approx(factor, rel=1e-6)


def test_an_arm_that_takes_too_long_sits_out_the_rounds_after_the_second(clock):
    arms = {"slow": timed(lambda: clock.work(10), clock), "fast": timed(lambda: clock.work(1), clock)}
    turns = take_turns(arms, 5, budget_s=15, clock=clock)
    assert len(turns.of("slow", "seconds")) == 2
    assert len(turns.of("fast", "seconds")) == 5
    assert turns.ratio("slow", "fast", "seconds").ratio == pytest.approx(10)


def test_there_is_no_ratio_to_what_did_not_take_part(clock):
    turns = take_turns({"a": timed(lambda: clock.work(1), clock)}, 2, clock=clock)
    assert turns.ratio("a", "b", "seconds") is None

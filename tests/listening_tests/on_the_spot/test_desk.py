"""Blind tests under way belong to one visitor each, and do not pile up."""

from __future__ import annotations

import pytest

from listening_tests.on_the_spot import BlindTest, Desk, NoSuchTestError
from listening_tests.on_the_spot.desk import ALL, EACH
from tests.listening_tests.on_the_spot.speech import RATE, spoken


def new() -> BlindTest:
    return BlindTest.of("ab", ("full", "naive"), *spoken(0.5), rate=RATE, trials=2)


def test_another_visitor_sees_hears_and_changes_nothing():
    desk = Desk()
    mine = desk.put("me", new())
    (token, *_) = [one["token"] for one in mine["step"]["stimuli"]]
    for attempt in (
        lambda: desk.state("you", mine["id"]),
        lambda: desk.answer("you", mine["id"], 1, "A"),
        lambda: desk.end("you", mine["id"]),
        lambda: desk.sound("you", token),
        lambda: desk.state("me", "nothing"),
    ):
        with pytest.raises(NoSuchTestError):
            attempt()
    assert desk.state("me", mine["id"])["done"] == 0
    assert desk.sound("me", token).startswith(b"RIFF")


def test_a_test_goes_on_where_it_was():
    desk = Desk()
    name = desk.put("me", new())["id"]
    after = desk.answer("me", name, 1, "same")
    assert desk.state("me", name) == after
    assert after["step"]["number"] == 2


def test_a_visitor_keeps_the_latest_few_and_costs_others_nothing():
    desk = Desk()
    others = desk.put("you", new())["id"]
    names = [desk.put("me", new())["id"] for _ in range(EACH + 2)]
    for gone in names[:2]:
        with pytest.raises(NoSuchTestError):
            desk.state("me", gone)
    assert all(desk.state("me", name)["id"] == name for name in names[2:])
    assert desk.state("you", others)


def test_memory_is_bounded_whoever_comes():
    desk = Desk()
    names = [(f"visitor{i}", desk.put(f"visitor{i}", new())["id"]) for i in range(ALL + 1)]
    with pytest.raises(NoSuchTestError):
        desk.state(*names[0])
    assert desk.state(*names[1]) and desk.state(*names[-1])


def test_what_nobody_comes_back_to_is_forgotten():
    now = [0.0]
    desk = Desk(kept_s=60, clock=lambda: now[0])
    name = desk.put("me", new())["id"]
    now[0] = 59
    desk.state("me", name)  # using it keeps it
    now[0] = 118
    assert desk.state("me", name)
    now[0] = 179
    with pytest.raises(NoSuchTestError):
        desk.state("me", name)

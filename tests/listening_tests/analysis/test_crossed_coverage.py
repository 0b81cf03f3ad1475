"""Simulated studies: intervals hold what they say, where naive ones do not (the table of the project's notes)."""

from __future__ import annotations

import pytest

from listening_tests.analysis.crossed_simulation import WORLDS, Layout, coverage

CROSSED = [Layout(listeners=10, sentences=10), Layout(listeners=30, sentences=20), Layout(listeners=100, sentences=10)]
LATIN = [Layout(listeners=24, sentences=12, systems=n, latin=True) for n in (2, 3, 4, 5, 6)]


@pytest.mark.parametrize("layout", [CROSSED[0], LATIN[2]], ids=lambda layout: layout.name)
def test_the_interval_holds_the_truth_where_the_naive_one_does_not(layout):
    found = coverage(layout, WORLDS["assumed"], ("crossed", "iid"), studies=300, seed=5)
    assert 0.92 <= found["crossed"]["difference"] <= 0.985
    assert 0.91 <= found["crossed"]["mean"] <= 0.985
    assert found["iid"]["mean"] < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*CROSSED, *LATIN], ids=lambda layout: layout.name)
def test_95_percent_intervals_hold_93_to_97(layout):
    found = coverage(layout, WORLDS["assumed"], ("crossed",), studies=2000, seed=6)["crossed"]
    assert 0.925 <= found["mean"] <= 0.975  # 93..97 and what 2,000 simulated studies can tell
    assert 0.925 <= found["difference"] <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("layout", CROSSED, ids=lambda layout: layout.name)
def test_naive_tests_find_differences_that_are_not_there(layout):
    found = coverage(layout, WORLDS["assumed"], ("iid", "crossed", "bootstrap"), studies=500, seed=7)
    assert 1 - found["iid"]["difference"] > 0.12
    assert 0.02 <= 1 - found["crossed"]["difference"] <= 0.08
    assert 0.02 <= 1 - found["bootstrap"]["difference"] <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("world", ["sentences differ", "listeners differ"])
@pytest.mark.parametrize("layout", [CROSSED[0], LATIN[2]], ids=lambda layout: layout.name)
def test_a_real_difference_is_covered_whatever_makes_ratings_differ(layout, world):
    found = coverage(layout, WORLDS[world], ("crossed",), studies=1000, seed=8, offset=0.4)["crossed"]
    assert 0.92 <= found["difference"] <= 0.98

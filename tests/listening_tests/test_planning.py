from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from listening_tests.analysis.crossed_bootstrap import difference
from listening_tests.analysis.crossed_simulation import Layout, World, simulate_ratings
from listening_tests.errors import StudyError
from listening_tests.planning import (
    Components,
    Effort,
    Precision,
    curve,
    detectable_difference,
    plan,
    power_of,
    precision,
)

# half-width with normal quantiles, from the table of the project's notes
NOTES = {(10, 20): 0.33, (30, 20): 0.22, (30, 40): 0.19, (100, 20): 0.16, (100, 50): 0.12}


@pytest.mark.parametrize(("size", "half_width"), NOTES.items())
def test_the_assumed_components_give_the_published_half_widths(size, half_width):
    of = precision(Components(), *size, 2, crossed=True)
    assert 1.96 * of.se == pytest.approx(half_width, abs=0.0075)
    assert of.half_width > 1.96 * of.se


@pytest.mark.parametrize("effect", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("n", [8, 30])
def test_power_is_that_of_the_paired_t_test(effect, n):
    of = Precision(se=1 / np.sqrt(n), freedom=n - 1, half_width=np.nan)
    assert power_of(effect, of) == pytest.approx(TTestPower().power(effect, n, 0.05), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(listeners=st.integers(3, 300), sentences=st.integers(4, 100), power=st.floats(0.3, 0.95))
def test_the_detectable_difference_is_found_with_that_power(listeners, sentences, power):
    of = precision(Components(), listeners, sentences, 4)
    assert power_of(detectable_difference(of, power), of) == pytest.approx(power, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(listeners=st.integers(4, 200), sentences=st.integers(4, 100))
def test_more_listeners_and_more_sentences_never_hurt(listeners, sentences):
    se = precision(Components(), listeners, sentences, 2).se
    assert precision(Components(), listeners + 1, sentences, 2).se < se
    assert precision(Components(), listeners, sentences + 1, 2).se < se


def test_a_plan_reaches_its_target_in_whole_blocks_with_nobody_to_spare():
    found = plan(4, 0.3, sentences=36)
    assert found.listeners % 4 == 0
    assert found.detectable <= 0.3
    fewer = precision(Components(), found.listeners - 4, 36, 4, trials=found.trials)
    assert power_of(0.3, fewer) < 0.8
    assert found.invited >= found.listeners / 0.9
    assert found.minutes == pytest.approx(4 + 36 * 12 / 60)
    assert found.cost == pytest.approx(found.invited * found.minutes / 60 * 12 * 1.33, abs=0.01)


def test_the_cheapest_of_the_options_is_chosen():
    found = plan(3, 0.3)
    assert found.cost == min(option["cost"] for option in found.options)
    assert len(found.options) > 3


def test_sentences_that_cap_the_precision_are_named_with_the_number_needed():
    with pytest.raises(StudyError, match=r"20 sentences cannot resolve 0\.15 points .* use more than 29 sentences"):
        plan(4, 0.15, sentences=20)
    assert plan(4, 0.15, sentences=60).detectable <= 0.15


def test_corrected_comparisons_and_lost_listeners_cost_more():
    alone = plan(3, 0.3, sentences=40)
    assert plan(3, 0.3, sentences=40, comparisons=3).listeners > alone.listeners
    assert plan(3, 0.3, sentences=40, effort=Effort(lost=0.4)).invited > alone.invited


def test_long_studies_give_each_listener_some_of_the_sentences():
    found = plan(4, 0.3, sentences=200)
    assert found.trials < 200
    assert found.minutes <= 25


def test_a_pilot_is_asked_for_its_variances():
    layout, world = Layout(listeners=40, sentences=30), World(listener_system=1.0)
    pilot = simulate_ratings(layout, world, np.random.default_rng(0))
    assert plan(2, 0.3, pilot=pilot, sentences=40).listeners > plan(2, 0.3, sentences=40).listeners


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: plan(2, 0.0), "target"),
        (lambda: plan(2, 0.3, power=1.0), "power"),
        (lambda: plan(2, 0.3, comparisons=0), "comparisons"),
        (lambda: precision(Components(), 1, 10, 2), "listeners = 1"),
        (lambda: precision(Components(), 10, 3, 4), "trials"),
        (lambda: Effort(lost=1.0), "lost"),
        (lambda: Effort(most_min=2.0), "most_min"),
    ],
)
def test_what_cannot_be_planned_is_refused(call, part):
    with pytest.raises(StudyError, match=part):
        call()


@pytest.mark.slow
def test_simulated_studies_find_the_difference_as_often_as_planned():
    world = World(mean=3.0, listener_sentence=0.0, integer=False)
    found = plan(2, 0.4, sentences=16)
    layout = Layout(listeners=found.listeners, sentences=16, systems=2, latin=True)
    generator = np.random.default_rng(0)
    seen = [
        difference(simulate_ratings(layout, world, generator, (0.4,)), "s0", "s1").p_value < 0.05 for _ in range(500)
    ]
    assert np.mean(seen) == pytest.approx(power_of(0.4, found.precision), abs=stats.norm.ppf(0.999) * 0.018 + 0.03)


def test_more_listeners_and_more_sentences_show_smaller_differences():
    rows = curve(3, sentences=(8, 24, 48), listeners=(6, 24, 96))
    seen = {(row["sentences"], row["listeners"]): row["detectable"] for row in rows}
    assert len(seen) == 9
    for sentences in (8, 24, 48):
        assert seen[sentences, 6] > seen[sentences, 24] > seen[sentences, 96]
    for listeners in (6, 24, 96):
        assert seen[8, listeners] > seen[24, listeners] > seen[48, listeners]


def test_a_curve_goes_through_the_plan():
    found = plan(3, 0.3, sentences=48, comparisons=3)
    rows = curve(3, sentences=(48,), listeners=(found.listeners,), comparisons=3)
    assert rows[0]["detectable"] == pytest.approx(found.detectable)
    assert curve(10, sentences=(8,)) == []

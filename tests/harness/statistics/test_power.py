from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from harness.statistics import StatisticsError, locate, minimum_detectable_difference, utterances_needed

SIDES = {2: "two-sided", 1: "larger"}


def differences(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.1, 0.5, size=n)


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 80), st.floats(0.3, 0.95), st.sampled_from([0.01, 0.05]), st.sampled_from([1, 2]))
def test_the_detectable_difference_is_that_of_statsmodels(n, power, alpha, sides):
    values = differences(n)
    d = TTestPower().solve_power(nobs=n, alpha=alpha, power=power, alternative=SIDES[sides])
    found = minimum_detectable_difference(values, power=power, alpha=alpha, sides=sides)
    assert found == pytest.approx(d * np.std(values, ddof=1), rel=1e-4)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.15, 1.5), st.sampled_from([1, 2]))
def test_the_utterances_needed_are_those_of_statsmodels(share, sides):
    values = differences(30)
    needed = TTestPower().solve_power(effect_size=share, alpha=0.05, power=0.8, alternative=SIDES[sides])
    found = utterances_needed(values, share * np.std(values, ddof=1), sides=sides)
    assert found == pytest.approx(np.ceil(needed), abs=1)


def test_what_is_detectable_is_found_as_often_as_said_with_speakers_too():
    generator, speakers = np.random.default_rng(1), np.repeat(np.arange(10), [2, 3, 3, 4, 4, 5, 5, 6, 8, 10])

    def sample() -> np.ndarray:
        return np.sqrt(0.3) * generator.normal(size=10)[speakers] + np.sqrt(0.7) * generator.normal(size=50)

    detectable = np.mean([minimum_detectable_difference(sample(), speakers) for _ in range(200)])
    found = np.mean([locate(sample() + detectable, speakers).p_value() < 0.05 for _ in range(600)])
    assert 0.73 < found < 0.87


def test_heavy_tails_hide_less_from_the_trimmed_mean():
    values = differences(50)
    values[0] -= 8
    trimmed = minimum_detectable_difference(values, trim=0.2)
    assert trimmed < minimum_detectable_difference(values) / 2


def test_alike_utterances_of_a_speaker_ask_for_more_of_them():
    speakers = np.repeat(np.arange(10), 5)
    values = np.random.default_rng(2).normal(size=10)[speakers] + 0.1 * np.random.default_rng(3).normal(size=50)
    assert utterances_needed(values, 0.3, speakers) > 3 * utterances_needed(values, 0.3)
    assert minimum_detectable_difference(values, speakers) > 1.8 * minimum_detectable_difference(values)


def test_without_spread_nothing_can_be_planned():
    assert np.isnan(minimum_detectable_difference([1.0, 1.0, 1.0]))
    assert utterances_needed([1.0], 0.1) is None
    assert utterances_needed(differences(20), 1e-9) is None


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"power": 1.2}, "power 1.2"),
        ({"power": 0.04}, "above alpha"),
        ({"sides": 3}, "1 or 2 sides"),
        ({"alpha": 0}, "alpha 0"),
    ],
)
def test_what_is_no_test_is_refused(options, part):
    with pytest.raises(StatisticsError, match=part):
        minimum_detectable_difference([1.0, 2.0, 4.0], **options)
    with pytest.raises(StatisticsError, match="margin -1"):
        utterances_needed([1.0, 2.0, 4.0], -1)

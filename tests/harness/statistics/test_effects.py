from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.statistics import paired_effect

DIFFERENCES = st.lists(st.integers(-500, 800).filter(bool), min_size=3, max_size=25, unique=True)


@settings(deadline=None, max_examples=40)
@given(DIFFERENCES)
def test_d_and_its_interval_are_those_of_the_noncentral_t(differences):
    n = len(differences)
    effect = paired_effect(differences)
    assert effect.d_z == pytest.approx(np.mean(differences) / np.std(differences, ddof=1))
    t = stats.ttest_1samp(differences, 0).statistic
    ends = stats.nct.cdf(t, n - 1, np.array([effect.d_z_low, effect.d_z_high]) * np.sqrt(n))
    assert ends == pytest.approx([0.975, 0.025], abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(DIFFERENCES)
def test_superiority_of_independent_utterances_is_a_share_with_clopper_and_pearsons_interval(differences):
    effect, above = paired_effect(differences), sum(d > 0 for d in differences)
    assert effect.superiority == pytest.approx(above / len(differences))
    expected = proportion_confint(above, len(differences), method="beta")
    assert (effect.superiority_low, effect.superiority_high) == pytest.approx(np.nan_to_num(expected, nan=1), abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(DIFFERENCES)
def test_swapping_the_systems_turns_everything_round(differences):
    one, other = paired_effect(differences), paired_effect(-np.array(differences))
    assert (other.d_z, other.d_z_low, other.d_z_high) == pytest.approx(
        (-one.d_z, -one.d_z_high, -one.d_z_low), abs=1e-6
    )
    assert other.superiority_low == pytest.approx(1 - one.superiority_high)


def test_repeated_utterances_of_a_speaker_add_no_certainty():
    values = np.random.default_rng(0).normal(0.4, size=30)
    once = paired_effect(values)
    again = paired_effect(np.repeat(values, 5), np.repeat(np.arange(30), 5))
    assert again.superiority_high - again.superiority_low == pytest.approx(
        once.superiority_high - once.superiority_low, rel=0.05
    )
    assert again.d_z_high - again.d_z_low == pytest.approx(once.d_z_high - once.d_z_low, rel=0.05)


def test_the_robust_d_is_the_usual_one_for_normal_differences_and_ignores_what_goes_astray():
    values = stats.norm.ppf((np.arange(2000) + 0.5) / 2000) + 0.5
    assert paired_effect(values, trim=0.2).d_z == pytest.approx(0.5, abs=0.005)
    values[0] = -1e6
    assert paired_effect(values, trim=0.2).d_z == pytest.approx(0.5, abs=0.005)
    assert abs(paired_effect(values).d_z) < 0.05


def test_ties_count_half_and_equal_systems_have_no_d():
    assert paired_effect([0.0, 0.0, 1.0, -1.0]).superiority == 0.5
    same = paired_effect([0.0, 0.0, 0.0])
    assert same.superiority == 0.5
    assert np.isnan([same.d_z, same.d_z_low]).all()


def test_where_all_signs_agree_speakers_are_counted():
    values = np.linspace(1, 2, 40)
    assert paired_effect(values).superiority_low == pytest.approx(0.025 ** (1 / 40))
    assert paired_effect(values, np.arange(40) % 4).superiority_low == pytest.approx(0.025 ** (1 / 4))


def test_the_interval_of_d_covers_with_speakers():
    speakers, held, d = np.repeat(np.arange(12), 5), 0, 0.5
    generator = np.random.default_rng(1)
    for _ in range(400):
        values = d + np.sqrt(0.4) * generator.normal(size=12)[speakers] + np.sqrt(0.6) * generator.normal(size=60)
        effect = paired_effect(values, speakers)
        held += effect.d_z_low <= d <= effect.d_z_high
    assert 0.91 < held / 400 < 0.985

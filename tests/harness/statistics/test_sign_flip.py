from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.statistics import StatisticsError, sign_flip_p

DIFFERENCES = st.lists(st.integers(-50, 50), min_size=2, max_size=9)
SIDES = st.sampled_from(["two-sided", "greater", "less"])


@settings(max_examples=60, deadline=None)
@given(DIFFERENCES, SIDES)
def test_few_differences_are_flipped_in_every_way_as_scipy_does(differences, alternative):
    expected = stats.permutation_test(
        (np.array(differences), np.zeros(len(differences))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        vectorized=True,
        permutation_type="samples",
        n_resamples=np.inf,
        alternative="greater" if alternative == "two-sided" else alternative,
    )
    found = sign_flip_p(differences, alternative=alternative)
    if alternative == "two-sided":
        flips = np.abs(expected.null_distribution)
        assert found == pytest.approx(np.mean(flips >= abs(np.mean(differences)) - 1e-9))
    else:
        assert found == pytest.approx(expected.pvalue, abs=1e-9)


@given(DIFFERENCES, SIDES)
def test_utterances_of_a_speaker_flip_together(differences, alternative):
    clusters = np.arange(len(differences)) // 2
    sums = np.bincount(clusters, differences)
    assert sign_flip_p(differences, clusters, alternative=alternative) == sign_flip_p(sums, alternative=alternative)


def test_many_are_flipped_at_random_and_agree_with_t_where_values_are_normal():
    differences = np.random.default_rng(3).normal(0.3, size=60)
    p = sign_flip_p(differences, resamples=20_000)
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)
    assert p == sign_flip_p(differences, resamples=20_000)
    assert p != sign_flip_p(differences, resamples=20_000, seed=1)


def test_p_is_never_zero_and_equal_systems_give_one():
    assert sign_flip_p(np.ones(100), resamples=999) == 1 / 1000
    assert sign_flip_p(np.zeros(5)) == 1.0
    assert sign_flip_p([1.0] * 8, list("aaaabbbb")) == 0.5


def test_what_cannot_be_flipped_is_refused():
    with pytest.raises(StatisticsError, match="alternative"):
        sign_flip_p([1.0], alternative="up")
    with pytest.raises(StatisticsError, match="no values"):
        sign_flip_p([np.nan])

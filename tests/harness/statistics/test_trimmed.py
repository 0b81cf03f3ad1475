from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.robust_compare import TrimmedMean

from harness.statistics import (
    StatisticsError,
    locate,
    mean_interval,
    paired_difference,
    trimmed_mean,
    yuen_interval,
    yuen_p,
)

VALUES = st.lists(st.integers(-1000, 1000), min_size=6, max_size=40, unique=True).map(lambda v: np.array(v) / 7)


@given(VALUES)
def test_the_trimmed_mean_is_scipys(values):
    assert trimmed_mean(values) == pytest.approx(stats.trim_mean(values, 0.2))


@given(VALUES)
def test_the_standard_error_is_that_of_scipys_yuen_test(values):
    moved = stats.ttest_ind(values, values + 1.0, trim=0.2, equal_var=False)
    assert locate(values, trim=0.2).se == pytest.approx(-1 / moved.statistic / np.sqrt(2))
    assert locate(values, trim=0.2).freedom == pytest.approx(moved.df / 2)


@settings(deadline=None)
@given(VALUES, st.sampled_from([0.1, 0.2, 0.25]))
def test_it_is_statsmodels_test_but_for_yuens_correction_of_small_samples(values, trim):
    theirs, n = TrimmedMean(values, trim), len(values)
    h = theirs.nobs_reduced
    ours = locate(values, trim=trim)
    assert ours.estimate == pytest.approx(theirs.mean_trimmed)
    assert ours.se == pytest.approx(theirs.std_mean_trimmed * np.sqrt((1 - 1 / n) / (1 - 1 / h)))
    assert ours.freedom == pytest.approx(theirs.ttest_mean(0.5)[2])


@given(VALUES)
def test_without_trimming_it_is_the_mean(values):
    assert yuen_interval(values, trim=0) == pytest.approx(mean_interval(values))
    assert yuen_p(values, 1.0, trim=0) == pytest.approx(stats.ttest_1samp(values, 1.0).pvalue)


@given(VALUES)
def test_clusters_of_one_change_nothing(values):
    assert yuen_interval(values, np.arange(len(values))) == pytest.approx(yuen_interval(values))


@given(VALUES.filter(lambda v: len(v) % 5 == 0), st.integers(2, 4))
def test_repeating_every_value_within_its_cluster_adds_no_certainty(values, times):
    again = yuen_interval(np.repeat(values, times), np.repeat(np.arange(len(values)), times))
    assert again == pytest.approx(yuen_interval(values), rel=1e-6)


@given(VALUES, st.integers(2, 5), st.randoms(use_true_random=False))
def test_the_order_of_utterances_and_the_names_of_speakers_do_not_matter(values, speakers, random):
    clusters = [f"s{i % speakers}" for i in range(len(values))]
    order = random.sample(range(len(values)), len(values))
    again = yuen_interval(values[order], [clusters[i].upper() for i in order])
    assert again == pytest.approx(yuen_interval(values, clusters))


@given(VALUES, st.floats(-100, 100), st.sampled_from(["greater", "less", "two-sided"]))
def test_p_is_the_dual_of_the_interval(values, null, alternative):
    p = yuen_p(values, null, alternative)
    low, high = yuen_interval(values, level=0.95 if alternative == "two-sided" else 0.9)[1:]
    outside = {"greater": null < low, "less": null > high, "two-sided": not low <= null <= high}[alternative]
    assert (p < 0.05) == outside


def test_one_utterance_that_goes_astray_moves_nothing():
    values = np.random.default_rng(0).normal(size=50)
    astray = np.where(np.arange(50) == values.argmin(), -1000.0, values)
    assert yuen_interval(astray) == pytest.approx(yuen_interval(values))
    assert mean_interval(astray).mean < mean_interval(values).low


def test_ties_at_the_cuts_are_shared_whoever_comes_first():
    values = np.array([0, 0, 0, 0, 1, 2, 3, 4, 5, 6], float)
    clusters = np.array(list("abacabcbca"))
    assert yuen_interval(values, clusters).low is not None
    assert yuen_interval(values[::-1], clusters[::-1]) == pytest.approx(yuen_interval(values, clusters))


@pytest.mark.parametrize(
    ("values", "clusters"),
    [
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 1.0], None),
        ([1.0, 2.0, 3.0, 4.0, 5.0], list("aaaaa")),
        ([1.0, 2.0, 3.0, 4.0, 90.0], list("aaaab")),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.0], list("aaaaabbbbb")),
    ],
)
def test_where_the_spread_cannot_be_had_there_is_no_interval(values, clusters):
    interval = yuen_interval(values, clusters)
    assert interval.mean == trimmed_mean(values)
    assert interval.low is None
    assert np.isnan(yuen_p(values, 0.0, clusters=clusters))


def test_what_cannot_be_trimmed_is_refused():
    with pytest.raises(StatisticsError, match="such as"):
        trimmed_mean([1.0, 2.0], trim=0.5)
    with pytest.raises(StatisticsError, match="alternative 'bigger'"):
        yuen_p([1.0, 2.0], alternative="bigger")


def test_a_paired_difference_can_be_trimmed():
    a, b = np.random.default_rng(1).normal(size=(2, 30))
    assert paired_difference(a, b, trim=0.2) == yuen_interval(a - b)

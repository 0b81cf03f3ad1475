from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from harness.statistics import StatisticsError, mean_interval, tost, yuen_interval

DIFFERENCES = st.lists(st.integers(-100, 100), min_size=3, max_size=30, unique=True).map(lambda v: np.array(v) / 50)


@given(DIFFERENCES, st.floats(0.05, 3))
def test_p_is_that_of_statsmodels(differences, margin):
    expected = DescrStatsW(differences).ttost_mean(-margin, margin)[0]
    assert tost(differences, margin).p == pytest.approx(expected, abs=1e-9)


@given(DIFFERENCES, st.floats(0.05, 3))
def test_equivalent_is_what_lies_within_the_margin_with_an_interval_of_90_percent(differences, margin):
    found = tost(differences, margin)
    interval = mean_interval(differences, level=0.9)
    assert (found.estimate, found.low, found.high) == pytest.approx(interval)
    assert found.equivalent == (-margin < interval.low and interval.high < margin)


def test_trimmed_and_clustered_differences_have_their_own_interval():
    values, speakers = np.random.default_rng(0).normal(size=40), np.arange(40) % 8
    found = tost(values, 1.0, speakers, trim=0.2)
    assert (found.estimate, found.low, found.high) == yuen_interval(values, speakers, level=0.9)


def test_a_system_is_equivalent_to_itself_once_there_are_utterances_enough():
    assert tost(np.zeros(5), 0.1).equivalent
    assert not tost(np.zeros(4), 0.1).equivalent
    assert not tost(np.full(50, 0.2), 0.1).equivalent


@pytest.mark.parametrize(
    ("margin", "level", "part"), [(0, 0.95, "margin 0"), (np.nan, 0.95, "margin nan"), (1, 0.4, "level 0.4")]
)
def test_what_is_no_test_is_refused(margin, level, part):
    with pytest.raises(StatisticsError, match=part):
        tost([1.0, 2.0], margin, level=level)

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.statistics import StatisticsError, hierarchical_bootstrap, mean_interval, yuen_interval


@pytest.mark.parametrize(
    ("name", "statistic"),
    [("mean", np.mean), ("trimmed", lambda x, axis: stats.trim_mean(x, 0.2, axis=axis))],
)
def test_without_clusters_it_is_scipys_percentile_interval_of_the_expanded_level(name, statistic):
    values = np.random.default_rng(0).gamma(1.5, size=40)
    n = 40 if name == "mean" else 24
    quantile = stats.t.ppf(0.975, n - 1)
    winsorised = np.sort(values)[np.clip(np.arange(40), 8, 31)] if name == "trimmed" else values
    squares = ((winsorised - winsorised.mean()) ** 2).sum()
    wider = np.sqrt(squares / n / (n - 1)) / np.sqrt(squares / n**2)
    expected = stats.bootstrap(
        (values,),
        statistic,
        method="percentile",
        confidence_level=1 - 2 * stats.norm.cdf(-quantile * wider),
        n_resamples=20_000,
        random_state=np.random.default_rng(1),
    ).confidence_interval
    found = hierarchical_bootstrap(values, statistic=name, resamples=20_000)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.03)


def test_speakers_come_with_all_their_utterances():
    generator = np.random.default_rng(2)
    speakers = np.repeat(np.arange(30), 6)
    values = generator.normal(size=30)[speakers] + 0.3 * generator.normal(size=180)
    together = hierarchical_bootstrap(values, speakers)
    assert together == pytest.approx(mean_interval(values, speakers), abs=0.04)
    alone = hierarchical_bootstrap(values)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_trimmed_one_agrees_with_yuens_interval():
    values = np.random.default_rng(3).standard_t(3, size=300)
    speakers = np.repeat(np.arange(60), 5)
    found = hierarchical_bootstrap(values, speakers, statistic="trimmed")
    assert found == pytest.approx(yuen_interval(values, speakers), abs=0.03)


def test_it_leans_to_the_side_of_the_tail():
    values = np.random.default_rng(4).exponential(size=30)
    found = hierarchical_bootstrap(values)
    assert found.high - found.mean > found.mean - found.low


def test_fewer_than_six_clusters_have_no_interval():
    values = np.random.default_rng(5).normal(size=24)
    assert hierarchical_bootstrap(values, np.arange(24) % 5).low is None
    assert hierarchical_bootstrap(values, np.arange(24) % 6).low is not None
    assert hierarchical_bootstrap(np.ones(30)).low is None


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(6).normal(size=50)
    whole = hierarchical_bootstrap(values, seed=4)
    assert hierarchical_bootstrap(values, seed=4) == whole
    assert hierarchical_bootstrap(values, seed=5) != whole


def test_an_unknown_statistic_is_refused():
    with pytest.raises(StatisticsError, match="'median'"):
        hierarchical_bootstrap([1.0, 2.0], statistic="median")

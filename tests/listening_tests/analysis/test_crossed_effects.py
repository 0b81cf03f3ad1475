from __future__ import annotations

import numpy as np
import pandas
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from listening_tests.analysis.crossed_bootstrap import difference
from listening_tests.analysis.crossed_simulation import Layout, World, simulate_ratings
from listening_tests.analysis.effect_size import cliffs_delta, paired_d, superiority
from listening_tests.analysis.equivalence import equivalence
from listening_tests.analysis.estimate import LISTENERS
from listening_tests.analysis.mixed_model import mixed_model
from listening_tests.analysis.permutation import sign_flip
from listening_tests.analysis.variance_components import variance_components
from listening_tests.errors import StudyError


def ratings(listeners=10, sentences=8, systems=2, latin=False, world=None, seed=0, offsets=(0.5,)):
    layout = Layout(listeners=listeners, sentences=sentences, systems=systems, latin=latin)
    return simulate_ratings(layout, world or World(), np.random.default_rng(seed), offsets)


def of_listeners(frame: pandas.DataFrame) -> pandas.DataFrame:
    return frame.pivot_table(index="listener", columns="system", values="value")


def test_few_listeners_get_the_exact_sign_flip_test():
    frame = ratings()
    wide = of_listeners(frame)
    d = (wide["s0"] - wide["s1"]).to_numpy()
    exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    found = sign_flip(frame, "s0", "s1")
    assert found.exact
    assert found.p_value == pytest.approx(exact.pvalue)


def test_many_listeners_get_random_sign_flips():
    frame = ratings(listeners=40, offsets=(0.2,))
    wide = of_listeners(frame)
    d = (wide["s0"] - wide["s1"]).to_numpy()
    expected = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1)
    found = sign_flip(frame, "s0", "s1")
    assert not found.exact
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.02)
    assert found == sign_flip(frame, "s0", "s1")


def test_d_is_the_t_of_listeners_over_the_root_of_their_number():
    frame = ratings(offsets=(0.8,))
    wide = of_listeners(frame)
    t = stats.ttest_rel(wide["s0"], wide["s1"]).statistic
    found = paired_d(frame, "s0", "s1")
    assert found.mean == pytest.approx(t / np.sqrt(10))
    assert stats.nct.cdf(t, 9, found.low * np.sqrt(10)) == pytest.approx(0.975, abs=1e-6)
    assert stats.nct.cdf(t, 9, found.high * np.sqrt(10)) == pytest.approx(0.025, abs=1e-6)


@pytest.mark.parametrize("latin", [False, True])
def test_superiority_is_the_mann_whitney_u_over_all_pairs(latin):
    frame = ratings(latin=latin)
    a, b = (frame.loc[frame["system"] == name, "value"] for name in ("s0", "s1"))
    expected = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    found = superiority(frame, "s0", "s1")
    assert found.mean == pytest.approx(expected)
    assert found.low < expected < found.high
    assert cliffs_delta(frame, "s0", "s1").mean == pytest.approx(2 * expected - 1)
    assert superiority(frame, "s1", "s0").mean == pytest.approx(1 - expected)


def test_superiority_of_a_system_that_always_wins_stays_a_probability():
    frame = ratings().assign(value=lambda t: np.where(t["system"] == "s0", 5.0, 1.0 + t["sentence"] % 3))
    found = superiority(frame, "s0", "s1")
    assert found.mean == 1.0
    assert found.high <= 1.0 or np.isnan(found.high)


def test_superiority_of_independent_ratings_has_the_spread_of_brunner_and_munzel():
    tastes = ("listener", "sentence", "listener_system", "sentence_system", "listener_sentence")
    frame = ratings(30, 30, world=World(**dict.fromkeys(tastes, 0.0)))
    a, b = (frame.loc[frame["system"] == name, "value"] for name in ("s0", "s1"))
    statistic = stats.brunnermunzel(b, a).statistic
    found = superiority(frame, "s0", "s1")
    assert (found.mean - 0.5) / found.se == pytest.approx(statistic, rel=0.25)


def test_equivalence_over_listeners_is_the_paired_test_of_statsmodels():
    frame = ratings(offsets=(0.1,))
    wide = of_listeners(frame)
    expected = ttost_paired(wide["s0"], wide["s1"], -0.4, 0.4)[0]
    found = equivalence(frame, "s0", "s1", 0.4, claim=LISTENERS)
    assert found.p_value == pytest.approx(expected)
    assert found.equivalent == (expected < 0.05)


def test_no_difference_found_is_not_equivalence():
    frame = ratings(4, 4, offsets=())
    assert equivalence(frame, "s0", "s1", 0.05).verdict == "inconclusive"
    assert equivalence(frame, "s0", "s1", 5.0).verdict == "equivalent"
    assert equivalence(ratings(20, 20, offsets=(1.5,)), "s0", "s1", 0.3).verdict == "different"
    with pytest.raises(StudyError, match="margin"):
        equivalence(frame, "s0", "s1", 0.0)


def test_components_of_a_large_study_are_those_it_was_made_from():
    world = World(integer=False)
    for latin in (False, True):
        found = [variance_components(ratings(120, 60, 3, latin, world, seed)) for seed in range(2)]
        assert np.mean([c.listener_system for c in found]) == pytest.approx(0.30, abs=0.06)
        assert np.mean([c.sentence_system for c in found]) == pytest.approx(0.20, abs=0.05)
        assert np.mean([c.listener for c in found]) == pytest.approx(0.5, abs=0.1)
        # heard once, what a listener and a sentence share is error; heard in every system it is told apart
        assert np.mean([c.error for c in found]) == pytest.approx(np.hypot(0.75, 0.2) if latin else 0.75, abs=0.03)


def test_the_mixed_model_of_complete_data_agrees_with_the_crossed_interval():
    frame = ratings(12, 10, 2, world=World(listener_system=0.5, sentence_system=0.5, integer=False))
    model = mixed_model(frame)
    assert "sentence_system" in model.structure
    value, low, high, p_value = model.difference("s0", "s1")
    crossed = difference(frame, "s0", "s1")
    assert value == pytest.approx(crossed.mean, abs=1e-6)
    se = (high - low) / 2 / stats.t.ppf(0.975, model.freedom)
    assert se == pytest.approx(crossed.se, rel=0.02)
    assert 0 < p_value < 1
    with pytest.raises(StudyError, match="no system"):
        model.difference("s0", "s7")


def test_a_mixed_model_of_hardly_anything_is_refused():
    with pytest.raises(StudyError, match="3 listeners"):
        mixed_model(ratings(2, 4))
    with pytest.raises(StudyError, match="differ"):
        mixed_model(ratings().assign(value=3.0))

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics import StatisticsError, mean_interval, non_inferiority, utterances_needed, yuen_interval

MARGIN = 0.1


def differences(mean: float, n: int = 50, spread: float = 0.1, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=n)
    return mean + spread * (values - values.mean()) / values.std(ddof=1)


@pytest.mark.parametrize(
    ("mean", "verdict"), [(0.0, "PASS"), (-0.05, "PASS"), (-0.1, "INCONCLUSIVE"), (-0.15, "FAIL"), (0.3, "PASS")]
)
def test_the_verdict_says_on_which_side_of_the_margin_the_interval_lies(mean, verdict):
    found = non_inferiority(differences(mean), MARGIN)
    interval = yuen_interval(differences(mean), level=0.9)
    assert found.verdict == verdict
    assert (found.estimate, found.low, found.high) == pytest.approx(interval)
    assert (found.low > -MARGIN, found.high < -MARGIN) == (verdict == "PASS", verdict == "FAIL")
    assert (found.n, found.margin, found.speakers) == (50, MARGIN, 0)


def test_the_mean_can_be_judged_instead():
    found = non_inferiority(differences(0), MARGIN, trim=0)
    assert (found.estimate, found.low, found.high) == pytest.approx(mean_interval(differences(0), level=0.9), abs=1e-12)


@settings(deadline=None)
@given(st.floats(-0.3, 0.3), st.integers(0, 50), st.floats(0.01, 0.5), st.floats(1.01, 3))
def test_what_passes_or_does_not_fail_keeps_doing_so_with_a_wider_margin(mean, seed, margin, wider):
    values = differences(mean, 20, seed=seed)
    rank = ["FAIL", "INCONCLUSIVE", "PASS"].index
    assert rank(non_inferiority(values, margin * wider).verdict) >= rank(non_inferiority(values, margin).verdict)


def test_one_utterance_in_fifty_that_goes_astray_flips_no_verdict():
    for mean in (-0.2, -0.02):
        values = differences(mean)
        astray = np.where(np.arange(50) == 7, values - 100 * values.std(), values)
        assert non_inferiority(astray, MARGIN).verdict == non_inferiority(values, MARGIN).verdict != "INCONCLUSIVE"


def test_the_utterances_needed_are_those_for_a_candidate_that_is_as_good():
    values = differences(-0.08, 12, 0.3)
    found = non_inferiority(values, MARGIN)
    assert found.verdict == "INCONCLUSIVE"
    assert found.needed_n == utterances_needed(values, MARGIN, trim=0.2, sides=1)
    assert found.underpowered
    assert f"{found.needed_n} utterances are needed" in found.note
    near = non_inferiority(differences(-0.1, 200), MARGIN)
    assert near.verdict == "INCONCLUSIVE"
    assert not near.underpowered
    assert "near the margin" in near.note


def test_with_needed_utterances_an_equal_candidate_passes_four_times_in_five():
    generator = np.random.default_rng(3)
    needed = non_inferiority(differences(0, 1000, 1.0), 0.4, trim=0).needed_n
    verdicts = [non_inferiority(generator.normal(size=needed), 0.4, trim=0).verdict for _ in range(400)]
    assert 0.73 < verdicts.count("PASS") / 400 < 0.87


def test_a_system_passes_against_itself_once_there_are_utterances_enough():
    found = non_inferiority(np.zeros(24), MARGIN, np.arange(24) % 3)
    assert found.verdict == "PASS"
    assert found.low is None
    assert "all differences are the same" in found.note
    assert non_inferiority(np.full(24, -0.2), MARGIN).verdict == "FAIL"
    assert non_inferiority(np.zeros(4), MARGIN).verdict == "INCONCLUSIVE"


def test_too_few_utterances_are_inconclusive_however_alike():
    found = non_inferiority([0.0, 0.001, -0.001, 0.0], MARGIN)
    assert found.verdict == "INCONCLUSIVE"
    assert "too few" in found.note
    nothing = non_inferiority([np.nan, np.nan], MARGIN)
    assert (nothing.verdict, nothing.n, nothing.needed_n) == ("INCONCLUSIVE", 0, None)


def test_utterances_of_one_speaker_are_judged_and_the_claim_is_narrowed():
    values = differences(0)
    one = non_inferiority(values, MARGIN, ["a"] * 50)
    alone = non_inferiority(values, MARGIN)
    assert (one.verdict, one.low, one.speakers) == (alone.verdict, alone.low, 0)
    assert "one speaker" in one.note
    unscored = np.where(np.arange(50) < 10, np.nan, values)
    assert "one speaker" in non_inferiority(unscored, MARGIN, ["b"] * 10 + ["a"] * 40).note


def test_where_speakers_differ_in_the_effect_certainty_is_theirs():
    speakers = np.repeat(np.arange(5), 20)
    values = np.array([-0.3, -0.1, 0.0, 0.05, 0.1])[speakers] + differences(0, 100, 0.02)
    assert non_inferiority(values, MARGIN).verdict == "PASS"
    found = non_inferiority(values, MARGIN, speakers)
    assert found.verdict == "INCONCLUSIVE"
    assert found.speakers == 5
    assert found.needed_n > 100


def test_p_values_agree_with_the_verdict():
    for mean in (-0.2, -0.12, -0.1, -0.08, 0.0):
        found = non_inferiority(differences(mean, 15), MARGIN)
        assert (found.p_pass < 0.05, found.p_fail < 0.05) == (found.verdict == "PASS", found.verdict == "FAIL")
        assert found.p_pass + found.p_fail == pytest.approx(1)


def test_fewer_utterances_than_any_verdict_takes_are_never_enough():
    assert non_inferiority([0.0, 0.001, -0.001], MARGIN).needed_n == 5


def test_where_most_differences_are_the_same_there_is_no_verdict():
    found = non_inferiority([0.0] * 20 + [1.0, -1.0], MARGIN)
    assert found.verdict == "INCONCLUSIVE"
    assert "spread cannot be estimated" in found.note


@pytest.mark.parametrize(
    ("values", "options", "part"),
    [
        ([1.0, 2.0], {"margin": -1}, "margin -1"),
        ([1.0, 2.0], {"margin": 1, "level": 0.3}, "level 0"),
        ([1.0, np.inf], {"margin": 1}, "infinite"),
        ([1.0, 2.0], {"margin": 1, "clusters": ["a"]}, "2 values but 1 clusters"),
    ],
)
def test_what_cannot_be_judged_is_refused(values, options, part):
    with pytest.raises(StatisticsError, match=part):
        non_inferiority(values, **options)

"""ABX and same-different: published tables, the observer's rule played out, and intervals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # for make_ratings

from make_ratings import frame_of, make_ratings

from listening_tests.analysis import abx, same_different
from listening_tests.analysis.abx import abx_scores
from listening_tests.analysis.same_different import same_different_scores


@pytest.mark.parametrize(
    ("trials", "needed"), [(10, 9), (12, 10), (16, 12), (20, 15), (24, 17), (30, 20), (50, 32), (100, 59)]
)
def test_right_answers_needed_are_those_of_the_published_table(trials: int, needed: int) -> None:
    assert abx.needed_correct(trials) == needed


def test_five_trials_are_enough_and_four_never_are() -> None:
    assert abx.needed_correct(5) == 5 and abx.needed_correct(4) == 5


@pytest.mark.parametrize("d_prime", [0.5, 1.0, 2.0, 3.0])
def test_abx_share_is_that_of_an_observer_who_compares_differences(d_prime: float) -> None:
    rng, n = np.random.default_rng(1), 400_000
    a, b, x = rng.normal(0, 1, n), rng.normal(d_prime, 1, n), rng.normal(0, 1, n)
    assert abx.share_of_d_prime(d_prime) == pytest.approx(np.mean(np.abs(x - a) < np.abs(x - b)), abs=0.003)


@pytest.mark.parametrize(("d_prime", "criterion"), [(1.0, 1.0), (2.0, 1.4657), (3.0, 2.5)])
def test_same_different_rates_are_those_of_an_observer_with_a_criterion(d_prime: float, criterion: float) -> None:
    rng, n = np.random.default_rng(2), 400_000
    hits = np.mean(np.abs(rng.normal(d_prime, 1, n) - rng.normal(0, 1, n)) > criterion)
    alarms = np.mean(np.abs(rng.normal(0, 1, n) - rng.normal(0, 1, n)) > criterion)
    assert same_different.rates_of(d_prime, criterion) == pytest.approx((hits, alarms), abs=0.003)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 6.0))
def test_d_prime_comes_back_from_its_share(d_prime: float) -> None:
    assert abx.d_prime_of_share(abx.share_of_d_prime(d_prime)) == pytest.approx(d_prime, abs=1e-4)
    assert same_different.d_prime(*same_different.rates_of(d_prime, 2.0)) == pytest.approx(d_prime, abs=1e-4)


def test_bias_towards_one_button_does_not_hide_what_is_heard() -> None:
    assert abx.d_prime(0.95, 0.55) > abx.d_prime_of_share((0.95 + 0.45) / 2)
    assert abx.d_prime(0.7, 0.3) == pytest.approx(abx.d_prime_of_share(0.7))
    assert abx.d_prime(0.4, 0.6) == 0.0


def test_a_pair_that_is_heard_is_found_and_one_that_is_not_is_not() -> None:
    scores = {(of.system, of.against): of for of in abx_scores(make_ratings("abx", 24, bots=0, seed=3), replicates=500)}
    heard, unheard = scores["naive", "full"], scores["streamflow-sr", "full"]
    assert heard.p_value < 1e-6 and heard.d_low > 1 and heard.correct >= heard.needed
    assert unheard.d_prime < heard.d_prime and unheard.share_low <= unheard.share <= unheard.share_high
    assert heard.exact_low < heard.share <= heard.exact_high


def test_guessing_gives_an_interval_down_to_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"listener": f"L{i % 20}", "sentence": f"s{i % 7}", "system": "b", "against": "a", "position": i,
         "truth": truth, "response": said, "value": float(truth == said)}
        for i in range(200)
        for truth, said in [(rng.choice(["A", "B"]), rng.choice(["A", "B"]))]
    ]  # fmt: skip
    (score,) = abx_scores(frame_of(rows), replicates=500)
    assert score.p_value > 0.05 and score.d_low == 0.0 and score.listeners == 20


def test_same_different_tells_the_heard_pair() -> None:
    frame = make_ratings("same-different", 24, bots=0, seed=3)
    scores = {
        (of.system, of.against): of for of in same_different_scores(frame[frame["role"] == "main"], replicates=100)
    }
    assert scores["naive", "full"].p_value < 0.01 and scores["naive", "full"].d_low > 0
    assert scores["naive", "full"].d_prime > scores["streamflow-sr", "full"].d_prime

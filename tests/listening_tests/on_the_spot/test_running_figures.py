"""What may be concluded from k of n: against exact enumeration, and against looking all the time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from listening_tests.on_the_spot.running import confidence_sequence, e_value, needed, running

HITS = st.lists(st.booleans(), max_size=60)


def test_the_exact_p_values_are_those_of_counting_every_sequence():
    sequences = [sum(answers) for answers in itertools.product((0, 1), repeat=10)]
    one, two = running([True] * 8 + [False] * 2, one_sided=True), running([True] * 8 + [False] * 2, one_sided=False)
    assert one.p_value == pytest.approx(sum(k >= 8 for k in sequences) / 1024)
    assert two.p_value == pytest.approx(sum(k >= 8 or k <= 2 for k in sequences) / 1024)


def test_the_interval_is_clopper_and_pearsons():
    low, high = stats.beta.ppf(0.025, 12, 5), stats.beta.ppf(0.975, 13, 4)
    now = running([True] * 12 + [False] * 4, one_sided=True)
    assert (now.low, now.high) == pytest.approx((low, high))


@given(HITS)
def test_nothing_answered_says_nothing_and_everything_stays_in_its_range(hits):
    for one_sided in (True, False):
        now = running(hits, one_sided=one_sided)
        assert now.n == len(hits) and now.k == sum(hits)
        assert 0 <= now.p_value <= 1 and 0 < now.p_anytime <= 1 and now.e_value > 0
        assert 0 <= now.low <= now.high <= 1 and 0 <= now.anytime_low < now.anytime_high <= 1
    if not hits:
        assert (now.p_value, now.e_value, now.p_anytime, now.low, now.high) == (1, 1, 1, 0, 1)


@pytest.mark.parametrize("one_sided", [True, False])
@pytest.mark.parametrize(("k", "n"), [(0, 4), (3, 4), (9, 12), (12, 12)])
def test_the_e_value_is_the_average_likelihood_ratio(k, n, one_sided):
    low = 0.5 if one_sided else 0.0
    average, _ = integrate.quad(lambda share: share**k * (1 - share) ** (n - k) * 2**n / (1 - low), low, 1)
    assert e_value(k, n, one_sided=one_sided) == pytest.approx(average, rel=1e-6)


@given(st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_the_e_value_is_a_martingale_under_guessing(k, misses, one_sided):
    """What makes it safe to look at any time: on average the next answer changes nothing."""
    n = k + misses
    after = (e_value(k + 1, n + 1, one_sided=one_sided) + e_value(k, n + 1, one_sided=one_sided)) / 2
    assert after == pytest.approx(e_value(k, n, one_sided=one_sided), rel=1e-9)


@pytest.mark.parametrize("one_sided", [True, False])
def test_whoever_looks_after_every_answer_is_fooled_by_p_and_not_by_the_e_value(one_sided):
    """All 2^18 tests of 18 answers without a difference, each stopped where it looks best: exact, nothing drawn."""
    fooled_by_p, fooled_by_e = (_ever_convinced(18, kind, one_sided) for kind in ("p", "e"))
    assert fooled_by_p > 0.09
    assert fooled_by_e <= 0.05


def _ever_convinced(trials: int, kind: str, one_sided: bool) -> float:
    """Share of the sequences that reach 5 % at some moment, by walking through (n, k) and taking out those that do."""
    alive, convinced = {0: 1.0}, 0.0
    for n in range(1, trials + 1):
        reached: dict[int, float] = {}
        for k, share in alive.items():
            for hit in (0, 1):
                reached[k + hit] = reached.get(k + hit, 0.0) + share / 2
        alive = {}
        for k, share in reached.items():
            side = "greater" if one_sided else "two-sided"
            p = stats.binomtest(k, n, 0.5, alternative=side).pvalue
            stops = p <= 0.05 if kind == "p" else e_value(k, n, one_sided=one_sided) >= 20
            if stops:
                convinced += share
            else:
                alive[k] = share
    return convinced


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9])
def test_the_confidence_sequence_holds_at_every_moment_at_once(share):
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(300):
        counts = np.cumsum(rng.random(40) < share)
        spans = [confidence_sequence(int(k), n) for n, k in enumerate(counts, 1)]
        missed += any(not low <= share <= high for low, high in spans)
    assert missed / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize(
    ("trials", "one", "two"), [(4, None, None), (10, 9, 9), (16, 12, 13), (20, 15, 15), (50, 32, 33)]
)
def test_the_numbers_needed_are_those_of_the_tables(trials, one, two):
    assert (needed(trials, one_sided=True), needed(trials, one_sided=False)) == (one, two)


@given(st.integers(1, 100), st.booleans())
def test_the_number_needed_is_the_first_that_suffices(trials, one_sided):
    enough = needed(trials, one_sided=one_sided)
    side = "greater" if one_sided else "two-sided"
    sufficient = [
        k for k in range(trials // 2, trials + 1) if stats.binomtest(k, trials, 0.5, alternative=side).pvalue <= 0.05
    ]
    assert enough == (sufficient[0] if sufficient else None)

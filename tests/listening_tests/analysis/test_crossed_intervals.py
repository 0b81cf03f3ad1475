from __future__ import annotations

import numpy as np
import pandas
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.anova import anova_lm

from listening_tests.analysis.crossed_bootstrap import (
    difference,
    differences,
    mean_opinion,
    mean_opinions,
    percentile_interval,
    resample_weights,
)
from listening_tests.analysis.crossed_simulation import Layout, World, simulate_ratings
from listening_tests.analysis.estimate import BOTH, LISTENERS
from listening_tests.errors import StudyError

CROSSED = Layout(listeners=12, sentences=9, systems=3)
LATIN = Layout(listeners=12, sentences=9, systems=3, latin=True)


def ratings(layout=CROSSED, world=None, seed=0, offsets=(0.5,)):
    return simulate_ratings(layout, world or World(), np.random.default_rng(seed), offsets)


def quasi_f(table: pandas.DataFrame) -> tuple[float, float]:
    """Variance and degrees of freedom from statsmodels' two-way analysis of variance of complete data."""
    fit = anova_lm(smf.ols("value ~ C(listener) + C(sentence)", table).fit())
    squares, freedom = fit["mean_sq"].to_numpy(), fit["df"].to_numpy()
    total = squares[0] + squares[1] - squares[2]
    return total / len(table), total**2 / float(np.sum(squares**2 / freedom))


@pytest.mark.parametrize("seed", range(3))
def test_a_full_cross_gives_the_quasi_f_interval(seed):
    frame = ratings(seed=seed, world=World(listener_system=0.5, sentence_system=0.5))
    wide = frame.pivot_table(index=["listener", "sentence"], columns="system", values="value").reset_index()
    variance, freedom = quasi_f(wide.assign(value=wide["s0"] - wide["s1"]))
    found = difference(frame, "s0", "s1")
    assert (found.se, found.freedom) == pytest.approx((variance**0.5, freedom))
    half = stats.t.ppf(0.975, freedom) * variance**0.5
    mean = (wide["s0"] - wide["s1"]).mean()
    assert (found.mean, found.low, found.high) == pytest.approx((mean, mean - half, mean + half))
    variance, freedom = quasi_f(frame[frame["system"] == "s2"])
    opinion = mean_opinion(frame, "s2")
    assert (opinion.se, opinion.freedom) == pytest.approx((variance**0.5, freedom))


def test_about_listeners_alone_a_full_cross_is_the_paired_t_test():
    frame = ratings()
    wide = frame.pivot_table(index="listener", columns="system", values="value")
    found = difference(frame, "s0", "s1", claim=LISTENERS)
    expected = stats.ttest_rel(wide["s0"], wide["s1"])
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.half_width < difference(frame, "s0", "s1", claim=BOTH).half_width


@pytest.mark.parametrize("seed", range(3))
def test_with_holes_the_difference_is_least_squares_given_listener_and_sentence(seed):
    layout = Layout(listeners=12, sentences=9, systems=2, latin=True, missing=0.2)
    frame = ratings(layout, seed=seed)
    fit = smf.ols("value ~ C(listener) + C(sentence) + C(system)", frame).fit()
    assert difference(frame, "s1", "s0").mean == pytest.approx(fit.params["C(system)[T.s1]"])


def test_a_balanced_latin_square_gives_the_difference_of_the_means():
    frame = ratings(LATIN)
    means = frame.groupby("system")["value"].mean()
    assert difference(frame, "s0", "s2").mean == pytest.approx(means["s0"] - means["s2"])


def test_mild_listeners_who_met_one_system_oftener_are_no_advantage_to_it():
    frame = ratings(
        LATIN, World(error=0.01, listener_system=0.0, sentence_system=0.0, listener=1.5, integer=False), offsets=()
    )
    mild = frame.groupby("listener")["value"].transform("mean") > frame["value"].median()
    lopsided = frame[~(mild & (frame["system"] == "s1") & (frame["sentence"] > 3))]
    naive = lopsided.groupby("system")["value"].mean()
    assert abs(naive["s0"] - naive["s1"]) > 0.3
    found = difference(lopsided, "s0", "s1")
    assert abs(found.mean) < 0.3 * abs(naive["s0"] - naive["s1"])


def test_listeners_who_each_hear_one_system_are_compared_as_groups_and_it_is_said():
    frame = ratings(Layout(listeners=20, sentences=6, systems=2))
    between = frame[(frame["listener"] % 2 == 0) == (frame["system"] == "s0")]
    found = difference(between, "s0", "s1")
    means = between.groupby(["system", "listener"])["value"].mean()
    assert found.mean == pytest.approx(means["s0"].mean() - means["s1"].mean())
    assert "listeners" in found.note
    alone = difference(between, "s0", "s1", claim=LISTENERS)
    assert alone.half_width == pytest.approx(
        np.diff(stats.ttest_ind(means["s0"], means["s1"]).confidence_interval())[0] / 2, rel=0.1
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 20), shift=st.floats(-50, 50), latin=st.booleans())
def test_the_unit_of_the_scale_does_not_matter(seed, scale, shift, latin):
    frame = ratings(LATIN if latin else CROSSED, World(integer=False), seed=seed)
    other = frame.assign(value=frame["value"] * scale + shift)
    before, after = difference(frame, "s0", "s1"), difference(other, "s0", "s1")
    assert (after.mean, after.low, after.high) == pytest.approx(
        tuple(scale * x for x in (before.mean, before.low, before.high)), rel=1e-6, abs=1e-6 * scale
    )
    assert after.p_value == pytest.approx(before.p_value, rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), latin=st.booleans())
def test_names_and_the_order_of_rows_do_not_matter(seed, latin):
    frame = ratings(LATIN if latin else CROSSED, seed=seed)
    mixed = frame.sample(frac=1, random_state=seed).assign(
        listener=lambda t: "p" + (97 - t["listener"]).astype(str),
        sentence=lambda t: "u" + (t["sentence"] * 7 % 11).astype(str),
    )
    before, after = difference(frame, "s0", "s1"), difference(mixed, "s0", "s1")
    assert (after.mean, after.se) == pytest.approx((before.mean, before.se), abs=1e-9)
    turned = difference(frame, "s1", "s0")
    assert (turned.mean, turned.se) == pytest.approx((-before.mean, before.se), abs=1e-9)


@pytest.mark.parametrize("layout", [CROSSED, LATIN])
def test_the_calibrated_bootstrap_is_as_wide_as_the_crossed_interval(layout):
    frame = ratings(layout)
    crossed, bootstrap = difference(frame, "s0", "s1"), difference(frame, "s0", "s1", method="bootstrap")
    assert bootstrap.half_width == pytest.approx(crossed.half_width, rel=0.12)
    again = difference(frame, "s0", "s1", method="bootstrap")
    assert (again.low, again.high) == (bootstrap.low, bootstrap.high)
    assert difference(frame, "s0", "s1", method="bootstrap", seed=1).low != bootstrap.low


def test_resampling_counts_a_rating_as_often_as_its_listener_times_its_sentence():
    listeners, sentences = np.repeat(["x", "y", "z"], 4), np.tile([5, 6, 7, 8], 3)
    weights = resample_weights(listeners, sentences, 200, seed=3).reshape(200, 3, 4)
    assert (weights.sum(axis=(1, 2)) == 12).all()
    for drawn in weights:
        assert np.linalg.matrix_rank(drawn) == 1
    alone = resample_weights(listeners, sentences, 50, claim=LISTENERS).reshape(50, 3, 4)
    assert (alone == alone[:, :, :1]).all()


def test_percentiles_leave_out_replicates_that_are_no_number():
    assert percentile_interval(np.array([np.nan, *range(101)]), 0.9) == pytest.approx((5, 95))
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_replicates_that_are_all_alike_make_no_interval():
    assert np.isnan(percentile_interval(np.ones(50))).all()


@pytest.mark.parametrize(
    ("listeners", "sentences", "claim", "drawn"),
    [
        (1, 5, BOTH, 0),
        (1, 5, LISTENERS, 0),
        (5, 1, BOTH, 0),
        (5, 1, LISTENERS, 20),
        (5, 5, BOTH, 20),
    ],
)
def test_nothing_is_resampled_of_one_listener_or_one_sentence(listeners, sentences, claim, drawn):
    rows = np.repeat(np.arange(listeners), sentences), np.tile(np.arange(sentences), listeners)
    assert resample_weights(*rows, 20, claim=claim).shape == (drawn, listeners * sentences)


def test_tables_hold_every_system_and_pair_with_holms_correction():
    frame = ratings(offsets=(1.5, 0.2, 0.0))
    assert list(mean_opinions(frame)["system"]) == ["s0", "s1", "s2"]
    table = differences(frame)
    assert list(zip(table["a"], table["b"], strict=True)) == [("s0", "s1"), ("s0", "s2"), ("s1", "s2")]
    assert (table["p_holm"] >= table["p_value"]).all()
    assert list(differences(frame, "reference")["b"]) == ["s0", "s0"]


def test_the_claim_is_in_the_result():
    assert difference(ratings(), "s0", "s1").claim == "listeners and sentences"
    assert mean_opinion(ratings(), "s0", claim=LISTENERS).table()["claim"] == "listeners"


@pytest.mark.parametrize("keep", [{"listener": 0}, {"sentence": 0}])
def test_one_listener_or_one_sentence_has_no_interval(keep):
    frame = ratings()
    (column, value), *_ = keep.items()
    for found in (
        mean_opinion(frame[frame[column] == value], "s0"),
        difference(frame[frame[column] == value], "s0", "s1"),
    ):
        assert np.isfinite(found.mean)
        assert not found.has_interval


def test_ratings_that_are_all_alike_have_no_interval():
    found = difference(ratings().assign(value=3.0), "s0", "s1")
    assert found.mean == pytest.approx(0)
    assert not found.has_interval
    assert np.isnan(found.p_value)


def test_ratings_of_the_same_listener_sentence_and_system_count_once():
    frame = ratings()
    twice = pandas.concat([frame, frame[frame["listener"] < 3]])
    assert mean_opinion(twice, "s0") == mean_opinion(frame, "s0")


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda f: mean_opinion(f, "s9"), "no ratings of the system 's9'"),
        (lambda f: difference(f, "s0", "s0"), "from itself"),
        (lambda f: difference(f, "s0", "s1", method="iid"), "allow_iid=True"),
        (lambda f: difference(f, "s0", "s1", method="crossd"), "'crossd' is not known"),
        (lambda f: difference(f, "s0", "s1", claim="everybody"), "claim"),
        (lambda f: difference(f, "s0", "s1", level=95), "level 95"),
        (lambda f: mean_opinion(f.drop(columns="sentence"), "s0"), "no column sentence"),
        (lambda f: mean_opinion(f.assign(value=np.nan), "s0"), "no ratings"),
        (lambda f: mean_opinion(f.assign(value=np.inf), "s0"), "infinite"),
        (lambda f: mean_opinion(f.assign(value="good"), "s0"), "no number"),
        (lambda f: mean_opinion(f.assign(listener=None), "s0"), "has no listener"),
    ],
)
def test_what_cannot_be_analysed_is_refused_in_a_line(call, part):
    with pytest.raises(StudyError, match=part) as caught:
        call(ratings())
    assert "\n" not in str(caught.value)

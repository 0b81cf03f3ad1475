"""Pairs, ABX and same-different: signs, orders and truths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening_tests.errors import StudyError
from listening_tests.model import REFERENCE, Rating
from listening_tests.protocols import get_protocol

PAIR = ("full", "naive")


@pytest.mark.parametrize("variant", [0, 1])
@pytest.mark.parametrize("value", range(-3, 4))
def test_ccr_sign_is_of_the_second_system_against_the_first_in_both_orders(arrange, variant, value):
    step = arrange("ccr", PAIR, variant)
    assert step.secret["systems"] == ({"A": "full", "B": "naive"} if variant == 0 else {"A": "naive", "B": "full"})
    (row,) = get_protocol("ccr").ratings(step, {"value": value})
    assert (row.system, row.against, row.order) == ("naive", "full", 1 - variant)
    assert row.value == (value if variant == 0 else -value)
    assert step.secret["systems"][row.label] == "naive"


@given(preference=st.integers(-2, 2), bias=st.integers(-1, 1))
def test_a_taste_for_what_comes_second_cancels_in_ccr(arrange, preference, bias):
    ccr = get_protocol("ccr")
    answers = {0: preference + bias, 1: -preference + bias}  # variant 1 has the better one first
    rows = [ccr.ratings(arrange("ccr", PAIR, variant), {"value": value})[0] for variant, value in answers.items()]
    assert sum(row.value for row in rows) / 2 == preference


@pytest.mark.parametrize(
    ("variant", "choice", "value"),
    [(0, "A", 0), (0, "B", 1), (0, "same", 0.5), (1, "A", 1), (1, "B", 0), (1, "same", 0.5)],
)
def test_ab_says_whether_the_second_system_was_preferred(arrange, variant, choice, value):
    (row,) = get_protocol("ab").ratings(arrange("ab", PAIR, variant), {"choice": choice})
    assert (row.system, row.against, row.value, row.response) == ("naive", "full", value, choice)


def test_abx_crosses_order_and_x(arrange):
    steps = [arrange("abx", PAIR, variant) for variant in range(4)]
    systems = [step.secret["systems"] for step in steps]
    assert {(shown["A"], shown["X"]) for shown in systems} == {(a, x) for a in PAIR for x in PAIR}
    for step in steps:
        x = step.secret["key"]["x"]
        assert step.sources["X"] == step.sources[x]
        for choice in ("A", "B"):
            (row,) = get_protocol("abx").ratings(step, {"choice": choice})
            assert (row.value, row.truth, row.response) == (float(choice == x), x, choice)
            assert (row.system, row.against) == ("naive", "full")


def test_abx_offline_sets_every_system_against_the_offline_one(make_study):
    study = make_study("abx-offline", ("naive", "full", "streamflow-sr"))
    protocol = get_protocol("abx-offline")
    assert protocol.conditions(study.systems, study) == [("full", "naive"), ("full", "streamflow-sr")]
    assert protocol.conditions(("naive",), study) == [("full", "naive")]
    with pytest.raises(StudyError, match="there is no other"):
        protocol.conditions(("full",), study)


def test_same_different_has_as_many_same_as_different_trials(arrange):
    steps = [arrange("same-different", PAIR, variant) for variant in range(4)]
    assert [step.secret["key"]["truth"] for step in steps] == ["different", "different", "same", "same"]
    for step in steps:
        same = step.sources["A"] == step.sources["B"]
        assert same == (step.secret["key"]["truth"] == "same")
        values = [get_protocol("same-different").ratings(step, {"choice": c})[0].value for c in ("same", "different")]
        assert values == [0.0, 1.0]


@pytest.mark.parametrize(
    ("protocol", "same", "different"),
    [
        ("ccr", {"value": 0}, {"value": -2}),
        ("ab", {"choice": "same"}, {"choice": "A"}),
        ("same-different", {"choice": "same"}, {"choice": "different"}),
        ("dcr", {"value": 5}, {"value": 3}),
        ("similarity-mos", {"value": 5}, {"value": 3}),
    ],
)
def test_an_identical_pair_judged_the_same_is_a_zero(arrange, protocol, same, different):
    condition = PAIR if protocol in ("ccr", "ab", "same-different") else ("naive",)
    step = arrange(protocol, condition, role="identical")
    assert len(set(step.sources.values())) == 1
    (row,) = get_protocol(protocol).ratings(step, same)
    assert (row.value, row.truth, row.system == row.against) == (0.0, "same", True)
    assert get_protocol(protocol).ratings(step, different)[0].value != 0


@pytest.mark.parametrize("protocol", ["ccr", "ab", "abx", "same-different"])
def test_pairs_are_all_or_against_the_first(make_study, protocol):
    get, systems = get_protocol(protocol).conditions, tuple("abcd")
    assert len(get(systems, make_study(protocol, systems))) == 6
    first = get(systems, make_study(protocol, systems, design={"pairs": "reference"}))
    assert first == [("a", "b"), ("a", "c"), ("a", "d")]
    with pytest.raises(StudyError, match="at least two"):
        get(("a",), make_study(protocol, ("a",)))


@pytest.mark.parametrize("protocol", ["dcr", "similarity-mos"])
def test_the_reference_comes_first_and_by_name(arrange, protocol):
    step = arrange(protocol, ("naive",))
    assert list(step.sources) == ["reference", "A"]
    assert step.public["reference"] == "reference"
    assert step.secret["systems"] == {"reference": REFERENCE, "A": "naive"}
    assert get_protocol(protocol).ratings(step, {"value": 2}) == [Rating("A", "naive", "", 2.0, response="2")]

"""MUSHRA and multi-stimulus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening_tests.errors import AnswerError, StudyError
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, REFERENCE
from listening_tests.protocols import get_protocol

SYSTEMS = ("full", "naive", "streamflow-sr")
numbers = st.integers(0, 100) | st.floats(0, 100)


def test_mushra_shows_the_reference_and_hides_it_with_two_anchors(arrange):
    step = arrange("mushra", SYSTEMS)
    assert list(step.sources) == ["reference", "1", "2", "3", "4", "5", "6"]
    systems = step.secret["systems"]
    assert systems["reference"] == REFERENCE
    assert sorted(systems.values()) == sorted([REFERENCE, REFERENCE, ANCHOR_LOW, ANCHOR_MID, *SYSTEMS])


def test_multi_stimulus_has_no_reference(arrange):
    step = arrange("multi-stimulus", SYSTEMS)
    assert sorted(step.secret["systems"].values()) == sorted(SYSTEMS)
    assert step.public["reference"] is None


def test_places_of_sliders_are_shuffled_evenly(arrange):
    """Each system is at each of the six places in about a sixth of 600 trials (3 standard deviations: 73 to 127)."""
    places = {}
    for seed in range(600):
        for label, system in arrange("mushra", SYSTEMS, seed=seed).secret["systems"].items():
            places[system, label] = places.get((system, label), 0) + 1
    shares = [count for (system, label), count in places.items() if label != "reference"]
    assert len(shares) == 36
    assert all(70 <= count <= 130 for count in shares)


@given(values=st.lists(numbers, min_size=6, max_size=6))
def test_each_slider_is_a_row_of_its_own_system(arrange, values):
    step = arrange("mushra", SYSTEMS, seed=4)
    answer = {"values": {str(place + 1): value for place, value in enumerate(values)}}
    get_protocol("mushra").check(step, answer)
    rows = get_protocol("mushra").ratings(step, answer)
    assert [(row.label, row.value, row.order) for row in rows] == [
        (str(place + 1), float(value), place) for place, value in enumerate(values)
    ]
    assert [row.system for row in rows] == [step.secret["systems"][row.label] for row in rows]


@pytest.mark.parametrize("left_out", [["3"], ["1", "6"]])
@pytest.mark.parametrize("as_null", [True, False])
def test_an_unmoved_slider_is_refused_and_named(arrange, left_out, as_null):
    step = arrange("mushra", SYSTEMS)
    values = {str(place): None if str(place) in left_out else 40 for place in range(1, 7)}
    if not as_null:
        values = {label: value for label, value in values.items() if value is not None}
    with pytest.raises(AnswerError, match=f"not rated yet: {', '.join(left_out)};"):
        get_protocol("mushra").check(step, {"values": values})


@pytest.mark.parametrize("value", [-1, 100.5, True, "50", float("inf"), float("nan"), [5]])
def test_a_value_off_the_scale_is_refused(arrange, value):
    values = {**{str(place): 40 for place in range(1, 6)}, "6": value}
    with pytest.raises(AnswerError, match="value of 6"):
        get_protocol("mushra").check(arrange("mushra", SYSTEMS), {"values": values})


def test_the_shown_reference_is_not_rated(arrange):
    values = {**{str(place): 40 for place in range(1, 7)}, "reference": 100}
    with pytest.raises(AnswerError, match="each of 1, 2, 3, 4, 5, 6;"):
        get_protocol("mushra").check(arrange("mushra", SYSTEMS), {"values": values})


def test_no_more_than_twelve_sliders(make_study):
    systems = tuple(f"system-{index}" for index in range(10))
    study = make_study("mushra", systems)
    assert get_protocol("mushra").conditions(systems[:9], study) == [systems[:9]]
    with pytest.raises(StudyError, match="at most 9 systems"):
        get_protocol("mushra").conditions(systems, study)


def test_a_reference_named_as_a_system_is_not_shown_twice(make_study):
    systems = (REFERENCE, "full")
    assert get_protocol("mushra").conditions(systems, make_study("mushra", systems)) == [("full",)]
    with pytest.raises(StudyError, match="at least one system"):
        get_protocol("mushra").conditions((REFERENCE,), make_study("mushra", (REFERENCE,)))

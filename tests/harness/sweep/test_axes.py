"""Axes are read as people write them, typed as the parameter is, and refused in a line otherwise."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sweep import AxisError, parse_axis, values_of

whole = st.integers(-500, 500)


@given(start=whole, steps=st.integers(0, 60), step=st.integers(1, 40), falling=st.booleans())
def test_a_range_holds_both_ends_and_even_steps(start, steps, step, falling):
    step = -step if falling else step
    found = values_of("block", f"{start}:{start + steps * step}:{step}", 24)
    assert found == tuple(start + index * step for index in range(steps + 1))
    assert all(type(value) is int for value in found)


@given(start=whole, steps=st.integers(0, 60), beyond=st.integers(0, 99), digits=st.integers(1, 3))
def test_a_range_of_fractions_is_exact_and_never_passes_its_end(start, steps, beyond, digits):
    unit = Decimal(1).scaleb(-digits)
    first = start * unit
    stop = first + steps * unit + unit * beyond / 100
    found = values_of("crossfade", f"{first}:{stop}:{unit}", 0.0)
    assert found == tuple(float(first + index * unit) for index in range(steps + 1))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_list_of_numbers_comes_back_as_it_was_written_each_once(numbers):
    text = ",".join(map(repr, numbers))
    assert values_of("guidance", text, 0.7) == tuple(dict.fromkeys(numbers))


@given(st.lists(st.one_of(whole, st.booleans(), st.floats(-5, 5), st.sampled_from(["rk4", "auto"])), min_size=1))
def test_what_the_strategy_chooses_by_itself_takes_any_kind_of_value(values):
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    found = values_of("back", ",".join(words), None)
    assert [str(v).lower() if isinstance(v, bool) else str(v) for v in found] == [
        str(v).lower() if isinstance(v, bool) else str(v) for v in dict.fromkeys(found)
    ]
    assert {type(v) for v in found} <= {type(v) for v in values}
    assert set(map(str, found)) <= set(map(str, values))


@pytest.mark.parametrize(
    ("given_", "default", "found"),
    [
        ("true,no", False, (True, False)),
        (True, False, (True,)),
        ([8, 16], 4, (8, 16)),
        ([0, 0.1], 0.0, (0.0, 0.1)),
        ("euler,heun", "euler", ("euler", "heun")),
        ("0:4", 1, (0, 1, 2, 3, 4)),
        ("0:4:2,9", 1, (0, 2, 4, 9)),
        ("none,2", None, (None, 2)),
        ("10.0", 1, (10,)),
    ],
)
def test_values_have_the_type_of_the_default(given_, default, found):
    assert values_of("x", given_, default) == found
    assert [type(v) for v in values_of("x", given_, default)] == [type(v) for v in found]


@pytest.mark.parametrize(
    ("text", "default", "part"),
    [
        ("1.5", 1, "whole number"),
        ("many", 1, "whole number"),
        ("nan", 0.1, "a number"),
        ("maybe", True, "true or false"),
        ("1,,2", 1, "missing between commas"),
        ("1:5:0", 1, "never comes"),
        ("5:1:1", 1, "never comes"),
        ("0:1e9:1", 1, "more than"),
        ("0:inf", 1.0, "start:stop:step"),
        ("1:2:3:4", 1, "start:stop:step"),
        ([], 1, "no values"),
        ("3", (1, 2), "cannot be varied"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_parameter(text, default, part):
    with pytest.raises(AxisError, match=part) as caught:
        values_of("block", text, default)
    assert "block" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", ["block", "=1,2", "block=", " = "])
def test_an_axis_needs_a_name_and_values(entry):
    with pytest.raises(AxisError, match="PARAMETER=VALUES"):
        parse_axis(entry)

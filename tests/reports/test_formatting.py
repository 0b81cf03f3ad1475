"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.formatting import MINUS, decimals_for, join, number, seconds, significant


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_number_reads_back(value: float, decimals: int) -> None:
    text = number(value, decimals).replace("\u2009", "").replace(MINUS, "-")
    assert float(text) == pytest.approx(value, abs=0.5000001 * 10**-decimals)
    assert "-" not in number(value, decimals), "a hyphen is no minus sign"


@pytest.mark.parametrize("value", [-0.0, -0.001, 0.001])
def test_zero_has_no_sign(value: float) -> None:
    assert number(value, 2, signed=True) == "0.00"


def test_what_is_not_a_number_is_a_dash() -> None:
    assert number(math.nan) == number(None) == seconds(None) == "\u2014"


@given(st.floats(1e-3, 1e5))
def test_an_interval_keeps_one_or_two_digits(width: float) -> None:
    units = width * 10 ** decimals_for([width])
    assert units >= 3 * (1 - 1e-9)
    assert units <= 30 * (1 + 1e-9) or decimals_for([width]) == 0


def test_a_typical_value_keeps_three_digits() -> None:
    assert [significant([v]) for v in (0.84, 1.32, 24.1, 253.0, 0.0012)] == [3, 2, 1, 0, 3]


def test_seconds_choose_their_unit() -> None:
    assert [seconds(v) for v in (0.0042, 0.087, 0.96, 12.34)] == [
        "4.2\u2009ms", "87\u2009ms", "0.96\u2009s", "12.3\u2009s",
    ]  # fmt: skip


def test_words_are_joined_as_in_speech() -> None:
    assert [join([]), join(["a"]), join(["a", "b"]), join(["a", "b", "c"])] == ["none", "a", "a and b", "a, b and c"]

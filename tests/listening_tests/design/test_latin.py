"""Latin squares and Williams designs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening_tests.design.latin import carry_over, latin_square, places, williams_base, williams_design

sizes = st.integers(1, 14)
seeds = st.integers(0, 2**31)


@given(sizes, seeds)
def test_latin_square_has_each_symbol_once_in_each_row_and_column(size, seed):
    square = latin_square(size, seed)
    for line in (*square, *square.T):
        assert sorted(line) == list(range(size))


def test_latin_squares_differ_by_seed_and_repeat_for_it():
    assert (latin_square(6, 1) == latin_square(6, 1)).all()
    assert (latin_square(6, 1) != latin_square(6, 2)).any()


@given(sizes, st.none() | seeds)
def test_williams_design_balances_places_and_carry_over(size, seed):
    rows = williams_design(size, seed)
    copies = 1 if size % 2 == 0 or size == 1 else 2
    assert rows.shape == (copies * size, size)
    assert (places(rows, size) == copies).all()
    assert (carry_over(rows, size) == copies * (1 - np.eye(size, dtype=int))).all()


@pytest.mark.parametrize(
    ("size", "usual"),
    # 1, n, 2, n-1, ... as textbooks on cross-over trials have it, treatments counted from 1
    [(4, [1, 4, 2, 3]), (6, [1, 6, 2, 5, 3, 4]), (5, [1, 5, 2, 4, 3])],
)
def test_base_sequence_is_the_usual_one(size, usual):
    assert (williams_base(size) + 1).tolist() == usual


def test_carry_over_counts_who_follows_whom():
    assert carry_over(np.array([[0, 1, 2], [0, 1, 1]])).tolist() == [[0, 2, 0], [0, 1, 1], [0, 0, 0]]


def test_a_cyclic_latin_square_is_not_balanced_for_carry_over():
    cyclic = (np.arange(4)[:, None] + np.arange(4)[None, :]) % 4
    assert carry_over(cyclic).max() == 3

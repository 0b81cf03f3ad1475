"""Finite scalar quantisation: codes and coordinates are two names of one thing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.fsq import FSQ
from streamflow.tokenizer import TokenizerConfig

LEVELS = st.lists(st.integers(2, 9), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(levels=LEVELS, codes=st.integers(1, 3), seed=st.integers(0, 999))
def test_codes_and_coordinates_are_inverse(levels, codes, seed):
    fsq = FSQ(levels, codes)
    torch.manual_seed(seed)
    ids = torch.randint(0, math.prod(levels), (7, codes))
    assert torch.equal(fsq.to_codes(fsq.to_coordinates(ids)), ids)
    quantised = fsq(3 * torch.randn(7, fsq.dimensions))
    torch.testing.assert_close(fsq.to_coordinates(fsq.to_codes(quantised)), quantised)
    assert quantised.abs().max() <= 1


@settings(max_examples=20, deadline=None)
@given(levels=LEVELS)
def test_every_level_of_every_coordinate_can_be_reached(levels):
    fsq = FSQ(levels)
    ramp = torch.linspace(-8, 8, 2001)[:, None].expand(-1, len(levels))
    for column, count in zip(fsq(ramp).T, levels, strict=True):
        assert len(column.unique()) == count


def test_gradients_pass_straight_through():
    fsq = FSQ((8, 8, 8, 5, 5))
    z = torch.randn(4, 5, requires_grad=True)
    (through,) = torch.autograd.grad(fsq(z).sum(), z)
    (smooth,) = torch.autograd.grad((fsq.bound(z) / torch.tensor([4, 4, 4, 2, 2])).sum(), z)
    torch.testing.assert_close(through, smooth)
    assert (through > 0).all()


def test_the_shipped_codebook_is_of_the_size_asked_for():
    assert 4096 <= math.prod(TokenizerConfig().levels) <= 16384


@pytest.mark.parametrize("levels", [(8, 8, 8, 5, 5)])
def test_quantising_twice_changes_nothing(levels):
    fsq = FSQ(levels)
    codes = fsq.to_codes(fsq(torch.randn(50, 5)))
    assert (codes >= 0).all() and (codes < fsq.codebook_size).all()

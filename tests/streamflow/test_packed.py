"""Packed linear layers give the products of ordinary ones, and never those of weights that have changed since."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from streamflow.checkpoints import Bundle
from streamflow.errors import CheckpointError
from streamflow.packed import PackedLinear, available, bfloat16_in_hardware, pack_linears, packing

pytestmark = pytest.mark.skipif(not available(), reason="this torch has no oneDNN")


def pair(inputs: int, outputs: int, bias: bool = True) -> tuple[nn.Linear, PackedLinear]:
    linear = nn.Linear(inputs, outputs, bias=bias).requires_grad_(False)
    return linear, pack_linears(nn.Sequential(linear))[0]


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    inputs=st.integers(1, 70),
    outputs=st.integers(1, 70),
    bias=st.booleans(),
)
def test_the_products_are_those_of_an_ordinary_layer(rows, inputs, outputs, bias):
    linear, packed = pair(inputs, outputs, bias)
    x = torch.randn(*rows, inputs)
    torch.testing.assert_close(packed(x), linear(x), atol=1e-5, rtol=1e-5)
    with packing(False):
        assert torch.equal(packed(x), linear(x))


def test_a_weight_changed_in_place_or_loaded_is_packed_anew():
    linear, packed = pair(8, 8)
    x = torch.randn(3, 8)
    packed(x)
    linear.weight.mul_(2)
    torch.testing.assert_close(packed(x), linear(x))
    packed.load_state_dict({"weight": torch.zeros(8, 8), "bias": torch.ones(8)})
    assert torch.equal(packed(x), torch.ones(3, 8))


def test_gradients_and_other_types_go_the_ordinary_way():
    linear, packed = pair(5, 4)
    x = torch.randn(2, 5, requires_grad=True)
    packed(x).sum().backward()
    torch.testing.assert_close(x.grad, linear.weight.sum(0).expand(2, 5))
    double = copy.deepcopy(packed).double()
    assert double(x.detach().double()).dtype == torch.float64
    packed.weight.requires_grad_(True)
    assert packed(x.detach()).requires_grad


def test_the_state_dict_keeps_its_names_and_parameters():
    module = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 2), nn.GELU())).requires_grad_(False)
    before = module.state_dict()
    after = pack_linears(module).state_dict()
    assert list(before) == list(after)
    assert all(before[name].data_ptr() == after[name].data_ptr() for name in before)


@pytest.mark.skipif(not bfloat16_in_hardware(), reason="this processor has no bfloat16")
def test_bfloat16_rounds_the_factors_and_gives_float32():
    linear, _ = pair(64, 32)
    packed = pack_linears(nn.Sequential(linear), torch.bfloat16)[0]
    x = torch.randn(7, 64)
    got, expected = packed(x), linear(x)
    assert got.dtype == torch.float32
    assert 0 < (got - expected).abs().max() < 0.05


def test_the_bundles_parts_are_packed(bundle):
    assert any(isinstance(m, PackedLinear) for m in bundle.decoder("streamflow-sr").modules())
    assert any(isinstance(m, PackedLinear) for m in bundle.vocoder.modules())


def test_an_unknown_dtype_is_refused(bundle):
    with pytest.raises(CheckpointError, match="float16"):
        Bundle(bundle.directory, dtype="float16")


def test_bfloat16_is_refused_where_it_would_be_emulated(bundle, monkeypatch):
    monkeypatch.setattr("streamflow.packed.bfloat16_in_hardware", lambda: False)
    with pytest.raises(CheckpointError, match="use float32"):
        Bundle(bundle.directory, dtype="bfloat16")


@pytest.mark.skipif(not bfloat16_in_hardware(), reason="this processor has no bfloat16")
def test_a_bundle_in_bfloat16_rounds_its_decoder_and_nothing_else(bundle):
    rounded = Bundle(bundle.directory, dtype="bfloat16")
    kinds = {m.precision for m in rounded.decoder("streamflow-sr").modules() if isinstance(m, PackedLinear)}
    assert kinds == {torch.bfloat16}
    others = [m for part in (rounded.vocoder, rounded.tokenizer) for m in part.modules()]
    assert {m.precision for m in others if isinstance(m, PackedLinear)} == {torch.float32}
    assert {m.precision for m in bundle.decoder("streamflow-sr").modules() if isinstance(m, PackedLinear)} == {
        torch.float32
    }

"""Attention patterns: masks, and the reaches that are read off them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from streamflow.attention import (
    AHEAD,
    BACK,
    FULL,
    OWN,
    PAST,
    AttentionPattern,
    Reach,
    block_causal,
    causal,
    full,
    preset,
    streamflow,
)
from streamflow.errors import StrategyError

finite_reaches = st.builds(Reach, st.integers(0, 2), st.integers(0, 2))
any_reach = st.one_of(finite_reaches, st.sampled_from([FULL, PAST, Reach(None, 1), Reach(1, None)]))
windows = st.tuples(st.integers(0, 30), st.integers(1, 30)).map(lambda w: range(w[0], w[0] + w[1]))


def dense(mask: torch.Tensor | None, queries: range, keys: range) -> torch.Tensor:
    return torch.ones(len(queries), len(keys), dtype=torch.bool) if mask is None else mask


@given(reach=any_reach, block=st.integers(1, 7), queries=windows, keys=windows)
def test_a_mask_is_the_definition_frame_by_frame(reach: Reach, block: int, queries: range, keys: range):
    mask = dense(AttentionPattern(block, (reach,)).mask(0, queries, keys), queries, keys)
    for row, i in enumerate(queries):
        for column, j in enumerate(keys):
            apart = j // block - i // block
            expected = (reach.back is None or apart >= -reach.back) and (reach.ahead is None or apart <= reach.ahead)
            assert bool(mask[row, column]) == expected, (i, j)


@given(reach=any_reach, block=st.integers(1, 7), window=windows)
def test_a_window_has_the_masks_of_the_whole_cut_out(reach: Reach, block: int, window: range):
    """Windows that start off the block grid included: blocks lie at absolute frames."""
    pattern, everything = AttentionPattern(block, (reach,)), range(0, 64)
    whole = dense(pattern.mask(0, everything, everything), everything, everything)
    part = dense(pattern.mask(0, window, window), window, window)
    assert torch.equal(part, whole[window.start : window.stop, window.start : window.stop])


@given(layers=st.lists(finite_reaches, min_size=1, max_size=5), block=st.integers(1, 3))
def test_back_and_ahead_are_the_reach_of_all_layers_together(layers: list[Reach], block: int):
    """The product of the masks as matrices says which block can hear which through the layers."""
    pattern, blocks = AttentionPattern(block, tuple(layers)), 25
    frames = range(0, blocks * block)
    heard = np.eye(len(frames), dtype=int)
    for mask in pattern.masks(frames, frames):
        heard = np.minimum(mask.numpy().astype(int) @ heard, 1)
    middle = blocks // 2
    blocks_heard = np.unique(np.nonzero(heard[middle * block])[0] // block)
    assert list(blocks_heard) == list(range(middle - pattern.back, middle + pattern.ahead + 1))


@given(finite=st.lists(finite_reaches, max_size=3), data=st.data())
def test_one_layer_without_limit_makes_the_whole_without_limit(finite: list[Reach], data: st.DataObject):
    layers = data.draw(st.permutations([*finite, PAST]))
    pattern = AttentionPattern(4, tuple(layers))
    assert pattern.back is None and pattern.ahead == sum(r.ahead for r in finite)
    assert AttentionPattern(4, (*layers, FULL)).ahead is None


def test_full_sees_all_causal_the_past_and_block_causal_the_past_and_its_block():
    frames = range(0, 12)
    assert full(2).masks(frames, frames) == [None, None]
    assert full(2).back is None and full(2).ahead is None
    lower = torch.ones(12, 12, dtype=torch.bool).tril()
    assert torch.equal(causal(1).mask(0, frames, frames), lower)
    blocks = torch.kron(torch.ones(3, 3).tril(), torch.ones(4, 4)).bool()
    assert torch.equal(block_causal(1, block=4).mask(0, frames, frames), blocks)
    assert causal(3).ahead == block_causal(3).ahead == 0


def test_streamflow_puts_the_reaches_where_it_is_told():
    pattern = streamflow(5, back=(0, 3), ahead=(3,), block=6)
    assert pattern.layers == (BACK, OWN, OWN, Reach(1, 1), OWN)
    assert (pattern.block, pattern.back, pattern.ahead) == (6, 2, 1)
    assert streamflow(2, back=(), ahead=(1,)).layers == (OWN, AHEAD)


@pytest.mark.parametrize("layers", [6, 9, 12, 22])
@pytest.mark.parametrize(("name", "back", "ahead"), [("streamflow-sr", 2, 1), ("streamflow-lr", 4, 1)])
def test_presets_have_the_reach_they_are_named_for(name: str, back: int, ahead: int, layers: int):
    pattern = preset(name, layers)
    assert (len(pattern.layers), pattern.block, pattern.back, pattern.ahead) == (layers, 24, back, ahead)


def test_the_short_presets_reach_is_qwens():
    assert preset("streamflow-sr", 22).layers == streamflow(22, back=(0, 20), ahead=(11,)).layers


def test_presets_of_the_baselines():
    assert preset("full", 3) == full(3)
    assert preset("causal", 3) == causal(3)
    assert preset("cosyvoice", 3, block=8) == block_causal(3, 8)


def test_layers_of_one_reach_share_one_mask():
    frames = range(0, 50)
    masks = streamflow(4, back=(0, 2), ahead=()).masks(frames, frames)
    assert masks[0] is masks[2] and masks[1] is masks[3] and masks[0] is not masks[1]


def test_what_does_not_exist_is_named():
    with pytest.raises(StrategyError, match=r"layer 4 .* 0 to 3"):
        streamflow(4, back=(0, 4), ahead=())
    with pytest.raises(StrategyError, match="unknown attention pattern sr; choose one of full"):
        preset("sr", 9)

"""Layer placement: any layers may look back or ahead, and what one evaluation hears is their number, not their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.decoding import Evaluator, MelStream, Plan
from streamflow.errors import StrategyError
from streamflow.strategies import make_system, parameters_of_strategy, plan_of_strategy
from streamflow.strategies.placement import layers_named, placement_text

PLACED = ("window", "streamflow-sr", "streamflow-lr", "streamflow-q0")
LAYERS, BLOCK, BLOCKS = 6, 8, 14  # of the tiny bundle; frames; of the utterance
some_layers = st.lists(st.integers(0, LAYERS - 1), unique=True, max_size=4)


def plan_for(bundle, name: str, **parameters) -> Plan:
    return plan_of_strategy(name, bundle, parameters_of_strategy(name) | {"block": BLOCK, **parameters})


def mel_of(bundle, plan: Plan, tokens: np.ndarray) -> torch.Tensor:
    evaluator = Evaluator(bundle, plan)
    evaluator.dit.double()
    stream = MelStream(evaluator, torch.linspace(-1, 1, 16, dtype=torch.float64), seed=3)
    stream.add(torch.from_numpy(tokens))
    pieces = []
    while span := stream.next_span(finished=True):
        pieces.append(stream.emit(span))
    evaluator.dit.float()
    return torch.cat(pieces)


@given(name=st.sampled_from(PLACED[:3]), backward=some_layers, forward=some_layers, changed=st.integers(0, BLOCKS - 1))
@settings(max_examples=20, deadline=None)
def test_one_evaluation_hears_as_many_blocks_as_layers_look_there_whichever_they_are(
    bundle, name, backward, forward, changed
):
    """Tokens of one block are changed: the blocks that sound otherwise are those that it is within b-p..b+q of.

    Not for q0, whose tokens are heard by those before them.
    """
    plan = plan_for(bundle, name, nfe=1, backward=backward, forward=forward)
    plan = replace(plan, hop=None, back=None, ahead=None)
    assert (plan.pattern.back, plan.pattern.ahead) == (len(backward), len(forward))
    tokens = np.random.default_rng(changed).integers(0, 64, (BLOCKS * BLOCK // 4, 2))
    other = tokens.copy()
    other[changed * BLOCK // 4 : (changed + 1) * BLOCK // 4] = (other[0] + 7) % 64
    apart = (mel_of(bundle, plan, tokens) - mel_of(bundle, plan, other)).abs().amax(1).reshape(BLOCKS, BLOCK)
    heard = [block for block in range(BLOCKS) if apart[block].max() > 0]
    assert heard == list(range(max(0, changed - len(forward)), min(BLOCKS - 1, changed + len(backward)) + 1))


@given(backward=some_layers, forward=some_layers, hop=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_the_window_follows_the_placement_and_is_exact_with_one_evaluation(bundle, backward, forward, hop):
    plan = plan_for(bundle, "streamflow-sr", nfe=1, backward=backward, forward=forward, hop=hop)
    assert (plan.back, plan.ahead) == (len(backward), len(forward))
    tokens = np.random.default_rng(hop).integers(0, 64, (BLOCKS * BLOCK // 4, 2))
    whole = mel_of(bundle, replace(plan, hop=None, back=None, ahead=None), tokens)
    torch.testing.assert_close(mel_of(bundle, plan, tokens), whole, atol=1e-9, rtol=0)


@given(st.lists(st.integers(0, 40), unique=True).map(lambda layers: tuple(sorted(layers))))
def test_however_layers_are_written_they_are_the_same(layers):
    text = placement_text(layers)
    written = [text, list(layers), text.replace("+", " "), text.replace("+", ","), list(layers[::-1])]
    assert {layers_named("backward", way) for way in written} == {layers}


def test_what_is_not_given_stays_as_the_weights_have_it(bundle):
    usual, other = (plan_for(bundle, "streamflow-sr", **p).pattern.layers for p in ({}, {"forward": "0+1"}))
    assert [reach.back for reach in usual] == [reach.back for reach in other]
    assert [reach.ahead for reach in other] == [1, 1, 0, 0, 0, 0]
    assert plan_for(bundle, "window").pattern == bundle.pattern("full")


def test_a_system_says_what_its_weights_were_trained_with_where_that_is_something_else(bundle):
    def said(name: str, **parameters) -> str | None:
        return make_system(name, bundle, **parameters).describe().get("trained_otherwise")

    back = "+".join(str(i) for i, reach in enumerate(bundle.pattern("streamflow-sr").layers) if reach.back)
    assert said("streamflow-sr") is said("streamflow-sr", backward=back) is said("window", back=4) is None
    assert said("streamflow-sr", backward="1+2") == f"layers looking back {back}, ahead 3, blocks of 8 frames"
    assert said("streamflow-sr", block=16) == f"layers looking back {back}, ahead 3, blocks of 8 frames"
    assert said("window", backward="0", forward="no") == "full attention"
    assert said("cosyvoice", block=16) == "blocks of 8 frames"


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("6", "layer 6 of the attention pattern is not one of 0 to 5"),
        ("0+0", "names layer 0 twice"),
        ("first", r"give layers counted from 0, such as 0\+7"),
        ("", "no for none"),
        ("-1", "backward=-1"),
        ([0, "a"], "backward="),
        (True, "backward=True"),
    ],
)
def test_what_is_no_placement_is_one_line(bundle, name, value, part):
    with pytest.raises(StrategyError, match=part) as caught:
        make_system(name, bundle, backward=value)
    assert "\n" not in str(caught.value)

"""When a window equals the whole utterance under the same mask, and when it does not (docs/decoding.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from streamflow.decoding import Evaluator, MelStream, Plan
from streamflow.flow import Schedule
from streamflow.strategies import parameters_of_strategy, plan_of_strategy

SHORT_AND_LONG = ("streamflow-sr", "streamflow-lr", "streamflow-lr2")


def mel_of(evaluator: Evaluator, tokens: np.ndarray, speaker: np.ndarray) -> torch.Tensor:
    stream = MelStream(evaluator, torch.from_numpy(speaker), seed=3)
    stream.add(torch.from_numpy(tokens))
    pieces = []
    while span := stream.next_span(finished=True):
        pieces.append(stream.emit(span))
    return torch.cat(pieces)


def in_double(bundle, plan: Plan, tokens: np.ndarray, speaker: np.ndarray) -> torch.Tensor:
    evaluator = Evaluator(bundle, plan)
    evaluator.dit.double()
    try:
        return mel_of(evaluator, tokens, speaker.astype(np.float64))
    finally:
        evaluator.dit.float()


@pytest.mark.parametrize("name", SHORT_AND_LONG)
@pytest.mark.parametrize("hop", [1, 2])
def test_a_window_as_wide_as_all_evaluations_reach_equals_the_whole_utterance(bundle, tokens, request_, name, hop):
    pattern, schedule = bundle.pattern(name), Schedule(nfe=2)
    whole = Plan(name, pattern, pattern.block, hop=None, back=None, ahead=None, schedule=schedule)
    reach = {"back": 2 * pattern.back, "ahead": 2 * pattern.ahead}
    padded = Plan(name, pattern, pattern.block, hop=hop, schedule=schedule, **reach)
    papers = replace(padded, back=pattern.back, ahead=pattern.ahead)
    expected, exact, window = (in_double(bundle, p, tokens, request_.speaker) for p in (whole, padded, papers))
    torch.testing.assert_close(exact, expected, atol=1e-9, rtol=0)
    assert (window - expected).abs().max() > 1e-6  # the paper's window is another system


def test_with_one_evaluation_the_papers_window_is_exact(bundle, tokens, request_):
    pattern, schedule = bundle.pattern("streamflow-sr"), Schedule(nfe=1)
    whole = Plan("streamflow-sr", pattern, pattern.block, hop=None, back=None, ahead=None, schedule=schedule)
    window = replace(whole, hop=1, back=pattern.back, ahead=pattern.ahead)
    expected, streamed = (in_double(bundle, p, tokens, request_.speaker) for p in (whole, window))
    torch.testing.assert_close(streamed, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ["causal", "cosyvoice"])
def test_caching_the_past_equals_the_whole_utterance_under_the_mask(bundle, tokens, request_, name):
    pattern, schedule = bundle.pattern(name), Schedule(nfe=4, solver="midpoint")
    grid = max(pattern.block, 8)
    whole = Plan(name, pattern, grid, hop=None, back=None, ahead=None, schedule=schedule)
    cached = replace(whole, hop=1, ahead=0, past="frozen")
    expected, streamed = (in_double(bundle, p, tokens, request_.speaker) for p in (whole, cached))
    torch.testing.assert_close(streamed, expected, atol=1e-9, rtol=0)


ONE = {"nfe": 1}
FOUR = {"nfe": 4, "solver": "rk4"}
EXACT = [  # as docs/decoding.md claims, by name and with the parameters that a user gives
    ("block", FOUR),
    ("block", {"nfe": 3, "guidance": 0.0, "hop": 2}),
    ("streamflow-q0", FOUR),
    ("streamflow-q0", {"nfe": 2, "solver": "midpoint", "guidance": 0.0, "hop": 2}),
    ("causal", FOUR),
    ("causal", {"nfe": 2, "block": 5}),
    ("causal", {"nfe": 2, "cached": False}),
    ("cosyvoice", FOUR),
    ("cosyvoice", {**FOUR, "cached": True}),
    ("streamflow-sr", {**FOUR, "back": 8, "ahead": 4}),
    *((name, {**ONE, "past": past}) for name in SHORT_AND_LONG for past in ("window", "frozen", "inpainted")),
]


@pytest.mark.parametrize(("name", "given"), EXACT, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("count", [29, 27])  # neither a multiple of a block: the last chunk is a short one
def test_a_strategy_equals_its_masked_whole_where_it_is_said_to(bundle, tokens, request_, name, given, count):
    plan = plan_of_strategy(name, bundle, {**parameters_of_strategy(name), **given})
    whole = replace(plan, hop=None, back=None, ahead=None, past="window")
    tokens, streamed = tokens[:count], in_double(bundle, plan, tokens[:count], request_.speaker)
    expected = in_double(bundle, whole, tokens, request_.speaker)
    largest = float(expected.abs().max())
    torch.testing.assert_close(streamed, expected, atol=1e-10 * largest, rtol=0)
    single = mel_of(Evaluator(bundle, plan), tokens, request_.speaker)
    torch.testing.assert_close(
        single, mel_of(Evaluator(bundle, whole), tokens, request_.speaker), atol=1e-4 * largest, rtol=0
    )

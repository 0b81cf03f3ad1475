"""When a window equals the whole utterance under the same mask, and when it does not (docs/decoding.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from streamflow.decoding import Evaluator, MelStream, Plan
from streamflow.flow import Schedule


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


@pytest.mark.parametrize("name", ["streamflow-sr", "streamflow-lr"])
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

"""What is counted is what torch counts, and what the block counts promise is what the network goes over."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from harness.bench.bench_context import Context
from harness.bench.counting import (
    counting,
    evaluation_bytes,
    evaluation_flops,
    expected_cached_ratio,
    expected_prefix_ratio,
)
from harness.bench.entries import Entry
from streamflow.attention import block_causal, streamflow
from streamflow.dit import DiT, DiTConfig, KeyValueCache

CONFIG = DiTConfig(width=16, layers=3, heads=2, adaln_rank=4, token_width=8, levels=(4, 4), speaker=8)


def evaluate(dit: DiT, frames: int, rows: int, past: int = 0) -> None:
    condition = torch.randn(rows, past + frames, CONFIG.speaker + CONFIG.token_width)
    modulations = dit.modulations(torch.tensor([0.3]))
    caches = [KeyValueCache() for _ in dit.blocks] if past else None
    # without torch's fused attention, which its counter does not know on every processor
    for start, stop in ((0, past), (past, past + frames)) if past else ((0, frames),):
        x = torch.randn(rows, stop - start, 80, requires_grad=True)
        counter = FlopCounterMode(display=False)
        with counter:
            dit(x, condition[:, start:stop], modulations, [None] * CONFIG.layers, start, caches)
        evaluate.counted = counter.get_total_flops()


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 40), rows=st.integers(1, 3), past=st.sampled_from([0, 8]))
def test_the_flops_of_an_evaluation_are_those_that_torch_counts(frames, rows, past):
    dit = DiT(CONFIG)
    evaluate(dit, frames, rows, past)
    assert evaluation_flops(CONFIG, frames, past + frames, rows) == evaluate.counted


def test_an_evaluation_moves_at_least_its_weights():
    dit = DiT(CONFIG)
    matrices = [dit.input, dit.output] + [m for b in dit.blocks for m in (b.qkv, b.out, b.up, b.down)]
    weights = 4 * sum(m.weight.numel() for m in matrices)
    assert evaluation_bytes(CONFIG, 0) == weights
    assert evaluation_bytes(CONFIG, 10) > weights


def test_the_count_sees_every_evaluation_and_its_rows():
    dit = DiT(CONFIG)
    with counting(dit) as counted:
        evaluate(dit, 10, 2)
        evaluate(dit, 5, 1)
    evaluate(dit, 7, 1)
    assert (counted.evaluations, counted.frames) == (2, 25)
    assert counted.flops == evaluation_flops(CONFIG, 10, rows=2) + evaluation_flops(CONFIG, 5)


def test_expected_ratios_are_two_for_sr_and_three_for_lr():
    assert expected_cached_ratio(streamflow(6, (0, 4), (3,))) == 2
    assert expected_cached_ratio(streamflow(6, (0, 1, 3, 4), (3,))) == 3
    assert expected_cached_ratio(streamflow(6, (0, 4), (3,)), hop=2) == pytest.approx(5 / 3)
    assert expected_cached_ratio(block_causal(6)) is None
    assert expected_prefix_ratio(240, 24) == 11


@pytest.mark.parametrize("history_s", [0.8, 2.4])
def test_cosyvoices_counted_frames_are_what_the_history_promises(bundle, history_s):
    context = Context(bundle, (Entry.parse("cosyvoice"),))
    dit, counted = bundle.decoder("cosyvoice"), {}
    for cached in (False, True):
        parked = context.parked(Entry.parse("cosyvoice").with_(cached=cached), history_s)
        frames = round(parked.history_s * 100)
        with counting(dit) as count:
            parked.advance()
        counted[cached] = count.frames
        before, counted_frames = frames, count.frames
    plan = Entry.parse("cosyvoice").plan(bundle)
    before = round(history_s * 100)
    recomputed = counted[False] / counted[True]
    assert recomputed == pytest.approx(expected_prefix_ratio(before + plan.hop_frames, plan.hop_frames), rel=0.1)
    assert counted_frames == 2 * 4 * plan.hop_frames


def test_a_streamflow_chunk_goes_over_the_same_frames_after_any_history(bundle):
    context = Context(bundle, (Entry.parse("streamflow-sr"),))
    counts = []
    for history_s in (1.0, 3.0):
        parked = context.parked(Entry.parse("streamflow-sr"), history_s)
        with counting(bundle.decoder("streamflow-sr")) as count:
            assert parked.advance() > 0
        counts.append((count.frames, count.flops))
    assert counts[0] == counts[1]
    plan = Entry.parse("streamflow-sr").plan(bundle)
    assert counts[0][0] == 2 * 4 * plan.grid * (plan.back + plan.hop + plan.ahead)

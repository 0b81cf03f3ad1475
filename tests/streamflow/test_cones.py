"""Rows that nobody reads are not computed, and those that somebody reads are what they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamflow import past
from streamflow.attention import AHEAD, BACK, FULL, OWN, PAST, AttentionPattern, Reach, preset
from streamflow.batch_windows import Window
from streamflow.cones import cones
from streamflow.decoding import Evaluator, MelStream, Plan
from streamflow.flow import Schedule
from streamflow.kv_cache import attend
from streamflow.noise import frame_noise
from streamflow.strategies import parameters_of_strategy, plan_of_strategy

LAYERS = 6  # of the bundle's decoder
reaches = st.sampled_from([OWN, BACK, AHEAD, Reach(1, 1), Reach(2, 0), PAST, FULL])
schedules = st.sampled_from(
    [Schedule(nfe=1), Schedule(nfe=3), Schedule("midpoint", 4), Schedule("rk4", 8), Schedule(nfe=2, guidance=0.0)]
)


def whole(pattern, evaluations, window, wanted, known=0, pasts=None, device=None):
    """All rows of every evaluation."""
    return cones(pattern, evaluations, window, window, 0, pasts, device)


@pytest.fixture(scope="module")
def in_double(bundle):
    dit = bundle.decoder("full").double()
    yield bundle
    dit.float()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), block=st.sampled_from([1, 3, 4, 8]), schedule=schedules)
def test_the_rows_asked_for_are_what_they_are_when_all_rows_are_computed(in_double, data, block, schedule):
    pattern = AttentionPattern(block, tuple(data.draw(st.lists(reaches, min_size=LAYERS, max_size=LAYERS))))
    start, length = data.draw(st.integers(0, 50)), data.draw(st.integers(1, 40))
    first = data.draw(st.integers(0, length - 1))
    window, own = range(start, start + length), range(start + first, start + data.draw(st.integers(first + 1, length)))
    random = torch.Generator().manual_seed(length)
    known = torch.randn(data.draw(st.integers(0, first)), 80, generator=random, dtype=torch.float64)
    condition = torch.randn(length, 32, generator=random, dtype=torch.float64)
    evaluator = Evaluator(in_double, Plan("full", pattern, block, schedule=schedule))
    noise, rows = frame_noise(3, window.start, window.stop), slice(own.start - start, own.stop - start)
    pruned, unpruned = (
        evaluator.solve(
            Window(noise, condition, start, make(pattern, schedule.nfe, window, own, len(known)), known=known),
            lambda: None,
        )[rows]
        for make in (cones, whole)
    )
    torch.testing.assert_close(pruned, unpruned, atol=1e-10 * float(unpruned.abs().max()), rtol=0)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("streamflow-sr", {}),
        ("streamflow-sr", {"past": "frozen"}),
        ("streamflow-lr2", {"past": "frozen", "hop": 2}),
        ("streamflow-lr", {"past": "inpainted"}),
        ("streamflow-sr", {"back": 6, "ahead": 3}),
        ("cosyvoice", {}),
        ("causal", {}),
        ("window", {"hop": 2}),
        ("overlap", {}),
        ("naive", {"crossfade": 0.2}),
        ("clean-prefix", {}),
    ],
)
def test_a_stream_gives_the_mel_that_it_gives_when_all_rows_are_computed(bundle, monkeypatch, name, parameters):
    plan = plan_of_strategy(name, bundle, parameters_of_strategy(name) | {"nfe": 3} | parameters)
    evaluator = Evaluator(bundle, plan)
    evaluator.dit.double()

    def decoded() -> torch.Tensor:
        rng = np.random.default_rng(0)
        stream = MelStream(evaluator, torch.from_numpy(rng.standard_normal(16)) / 4, 3)
        stream.add(torch.from_numpy(rng.integers(0, 64, (29, 2))))
        pieces = []
        while span := stream.next_span(finished=True):
            pieces.append(stream.emit(span))
        return torch.cat(pieces)

    try:
        pruned = decoded()
        monkeypatch.setattr(past, "cones", whole)
        unpruned = decoded()
    finally:
        evaluator.dit.float()
    torch.testing.assert_close(pruned, unpruned, atol=1e-10 * float(unpruned.abs().max()), rtol=0)


def block_layers(evaluation) -> int:
    return sum(map(len, evaluation.layers)) // 24


def test_the_last_evaluation_of_short_range_computes_twenty_of_36_block_layers():
    """Layer 0 and 7 of 9 look back, layer 4 ahead: counted by hand from the top, 1 1 2 2 2 3 3 3 3."""
    made = cones(preset("streamflow-sr", 9), 4, range(240, 336), range(288, 312))
    assert [block_layers(one) for one in made] == [36, 36, 36, 20]
    assert [len(rows) // 24 for rows in made[-1].layers] == [3, 3, 3, 3, 2, 2, 2, 1, 1]
    assert len(made[-1].inputs) == 96


def test_a_known_past_is_attended_to_and_its_velocity_is_not_computed():
    made = cones(preset("streamflow-sr", 9), 4, range(240, 336), range(288, 312), known=48)
    assert [one.outputs for one in made] == [range(48, 96)] * 3 + [range(48, 72)]
    assert block_layers(made[0]) < 36


def test_windows_of_one_shape_share_their_masks_wherever_they_lie():
    pattern = preset("streamflow-sr", 9)
    here = cones(pattern, 4, range(240, 336), range(288, 312))
    assert cones(pattern, 4, range(264, 360), range(312, 336)) is here
    assert here[0] is here[2]
    elsewhere = cones(pattern, 4, range(250, 346), range(298, 322))  # off the block grid: other masks
    assert here[0].masks[1] == 24  # blocks by themselves
    assert torch.is_tensor(elsewhere[0].masks[1])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 9))
def test_blocks_that_see_only_themselves_are_attended_to_without_a_mask(rows, count, block):
    window = range(7 * block, (7 + count) * block)
    made = cones(AttentionPattern(block, (OWN,)), 1, window, window)[0].masks[0]
    assert made == (block if count > 1 else None)
    q, k, v = torch.randn(3, rows, 2, count * block, 4, dtype=torch.float64)
    own = torch.arange(count * block) // block
    torch.testing.assert_close(attend(q, k, v, made), attend(q, k, v, own[:, None] == own), atol=1e-12, rtol=0)


def test_masks_of_long_windows_are_not_kept():
    pattern = preset("cosyvoice", 9)
    long = range(0, 24 * 60)
    assert cones(pattern, 1, long, long) is not cones(pattern, 1, long, long)

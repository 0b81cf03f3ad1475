"""What one evaluation of the DiT depends on, by gradient and by perturbation; windows and caches against the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from streamflow.attention import AHEAD, BACK, OWN, AttentionPattern, Reach, block_causal, causal, full, streamflow
from streamflow.dit import DiT, DiTConfig, KeyValueCache, attend, dit_preset, rotary_table
from streamflow.errors import StreamflowError
from streamflow.flow import Schedule, integrate

BANDS = 80


def lively(layers: int = 4, **sizes) -> DiT:
    """As made, gates and output are zero and everything would pass: give every parameter a random value."""
    config = DiTConfig(
        width=16, layers=layers, heads=2, adaln_rank=4, token_width=8, speaker=8, levels=(4, 4), codes=2, **sizes
    )
    dit = DiT(config).double().eval()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in dit.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(torch.randn(parameter.shape, generator=random, dtype=torch.float64) * scale)
    return dit


DITS = {layers: lively(layers) for layers in range(1, 6)}


def inputs(dit: DiT, frames: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noisy mel and condition, float64 ``[1, T, ...]``."""
    random = torch.Generator().manual_seed(seed)
    width = dit.config.speaker + dit.config.token_width
    return (
        torch.randn(1, frames, BANDS, generator=random, dtype=torch.float64),
        torch.randn(1, frames, width, generator=random, dtype=torch.float64),
    )


def modulations(dit: DiT) -> list[tuple[Tensor, ...]]:
    with torch.no_grad():
        return dit.modulations(torch.tensor([0.3], dtype=torch.float64))


def evaluate(dit: DiT, pattern: AttentionPattern, x: Tensor, condition: Tensor, start: int = 0) -> Tensor:
    frames = range(start, start + x.shape[1])
    return dit(x, condition, modulations(dit), pattern.masks(frames, frames), start)


block_reaches = st.lists(st.sampled_from([OWN, BACK, AHEAD, Reach(1, 1)]), min_size=1, max_size=5)


@given(layers=block_reaches, block=st.integers(1, 4), middle=st.integers(0, 11))
@settings(max_examples=40, deadline=None)
def test_one_evaluation_depends_on_exactly_the_blocks_of_its_layers_by_gradient(layers, block, middle):
    """b - p to b + q with p layers looking back and q looking ahead, in whatever order they come."""
    dit, pattern, blocks = DITS[len(layers)], AttentionPattern(block, tuple(layers)), 12
    x, condition = (t.requires_grad_() for t in inputs(dit, blocks * block))
    velocity = evaluate(dit, pattern, x, condition)[0, middle * block : (middle + 1) * block]
    weights = torch.randn(velocity.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = range(max(0, middle - pattern.back), min(blocks - 1, middle + pattern.ahead) + 1)
    for gradient in torch.autograd.grad((velocity * weights).sum(), (x, condition)):
        seen = gradient[0].abs().amax(1).reshape(blocks, block)
        assert [b for b in range(blocks) if seen[b].max() > 0] == list(expected)
        assert all(seen[b].min() > 0 for b in expected)  # every frame of these blocks, not just some


@given(layers=block_reaches, block=st.integers(1, 4), middle=st.integers(0, 11))
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_one_evaluation_depends_on_exactly_the_blocks_of_its_layers_by_perturbation(layers, block, middle):
    dit, pattern, blocks = DITS[len(layers)], AttentionPattern(block, tuple(layers)), 12
    x, condition = inputs(dit, blocks * block)
    own = slice(middle * block, (middle + 1) * block)
    before = evaluate(dit, pattern, x, condition)[0, own]

    def change(perturbed: list[int]) -> float:
        other_x, other_condition = x.clone(), condition.clone()
        for b in perturbed:
            other_x[0, b * block : (b + 1) * block] += 1.0
            other_condition[0, b * block : (b + 1) * block] -= 1.0
        return float((evaluate(dit, pattern, other_x, other_condition)[0, own] - before).abs().max())

    inside = [b for b in range(blocks) if -pattern.back <= b - middle <= pattern.ahead]
    assert change([b for b in range(blocks) if b not in inside]) < 1e-12
    assert min(change([b]) for b in (inside[0], inside[-1])) > 1e-9


@given(layers=block_reaches, block=st.integers(1, 4), first=st.integers(0, 6), more=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_a_window_with_its_context_gives_what_the_whole_gives(layers, block, first, more):
    dit, pattern, blocks = DITS[len(layers)], AttentionPattern(block, tuple(layers)), 12
    x, condition = inputs(dit, blocks * block)
    whole = evaluate(dit, pattern, x, condition)
    begin, end = first * block, (first + more) * block
    a, b = max(0, begin - pattern.back * block), min(blocks * block, end + pattern.ahead * block)
    window = evaluate(dit, pattern, x[:, a:b], condition[:, a:b], start=a)
    torch.testing.assert_close(window[:, begin - a : end - a], whole[:, begin:end], atol=1e-11, rtol=0)


@pytest.mark.parametrize("steps", [1, 2, 3])
@torch.no_grad()
def test_a_solution_in_several_evaluations_depends_on_as_many_times_the_blocks(steps: int):
    """Why a window of p + 1 + q blocks is not the whole: S evaluations reach S p back and S q ahead."""
    dit, pattern, block, blocks, middle = DITS[4], streamflow(4, back=(0, 2), ahead=(1,), block=2), 2, 20, 10
    x, condition = inputs(dit, blocks * block)
    masks = pattern.masks(range(blocks * block), range(blocks * block))
    schedule = Schedule("euler", nfe=steps, guidance=0.0, warp="linear")
    made = [dit.modulations(torch.tensor([t], dtype=torch.float64)) for t in schedule.times]

    def solve(x: Tensor) -> Tensor:
        end = integrate(lambda i, t, at: dit(at, condition, made[i], masks), x, schedule)
        return end[0, middle * block : (middle + 1) * block]

    before, reached = solve(x), []
    for b in range(blocks):
        other = x.clone()
        other[0, b * block : (b + 1) * block] += 1.0
        if (solve(other) - before).abs().max() > 1e-13:
            reached.append(b)
    assert reached == list(range(middle - 2 * steps, middle + steps + 1))


@pytest.mark.parametrize(
    ("pattern", "hop"),
    [
        (causal(4), 1),
        (causal(4), 5),
        (block_causal(4, block=4), 4),
        (block_causal(4, block=4), 8),
        (streamflow(4, back=(0, 2), ahead=(), block=4), 4),
    ],
    ids=["causal by 1", "causal by 5", "block-causal by 1", "block-causal by 2", "backward"],
)
@torch.no_grad()
def test_cached_keys_and_values_give_what_the_whole_gives(pattern: AttentionPattern, hop: int):
    dit, frames = DITS[4], 40
    x, condition = inputs(dit, frames)
    whole = evaluate(dit, pattern, x, condition)
    caches = [KeyValueCache() for _ in dit.blocks]
    pieces = []
    for a in range(0, frames, hop):
        masks = pattern.masks(range(a, a + hop), range(0, a + hop))
        piece = slice(a, a + hop)
        pieces.append(dit(x[:, piece], condition[:, piece], modulations(dit), masks, start=a, caches=caches))
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-11, rtol=0)


@pytest.mark.parametrize("pattern", [causal(4), block_causal(4, block=4)], ids=["causal", "block-causal"])
@torch.no_grad()
def test_what_comes_later_changes_nothing(pattern: AttentionPattern):
    dit = DITS[4]
    x, condition = inputs(dit, 24)
    whole = evaluate(dit, pattern, x, condition)
    prefix = evaluate(dit, pattern, x[:, :12], condition[:, :12])
    torch.testing.assert_close(prefix, whole[:, :12], atol=1e-11, rtol=0)
    assert (evaluate(dit, full(4), x, condition)[:, :12] - prefix).abs().max() > 1e-6


@torch.no_grad()
def test_only_distance_between_frames_matters_not_where_they_are():
    """Rotary attention scores depend on differences, so a stream may be of any length."""
    dit, pattern = DITS[4], full(4)
    x, condition = inputs(dit, 10)
    here, far = (evaluate(dit, pattern, x, condition, start=start) for start in (0, 30_000))
    torch.testing.assert_close(here, far, atol=1e-5, rtol=0)  # the tables are float32
    assert (evaluate(dit, pattern, x.flip(1), condition.flip(1)).flip(1) - here).abs().max() > 1e-6


def test_rotary_angles_keep_their_precision_far_out():
    cosines, sines = rotary_table(100_000, 100_003, 8)
    position = torch.arange(100_000, 100_003, dtype=torch.float64)[:, None]
    angles = position / 10_000 ** (torch.arange(4, dtype=torch.float64) / 4)
    torch.testing.assert_close(cosines, angles.cos().float(), atol=1e-7, rtol=0)
    torch.testing.assert_close(sines, angles.sin().float(), atol=1e-7, rtol=0)


@pytest.mark.parametrize("pattern", [full(1), causal(1), streamflow(1, (0,), (0,), 3)], ids=["full", "causal", "block"])
def test_attention_is_the_same_with_and_without_gradient(pattern: AttentionPattern):
    random = torch.Generator().manual_seed(2)
    q, k, v = torch.randn(3, 2, 2, 11, 8, generator=random, dtype=torch.float64)
    mask = pattern.mask(0, range(11), range(11))
    with torch.no_grad():
        fused = attend(q, k, v, mask)
    torch.testing.assert_close(attend(q.requires_grad_(), k, v, mask), fused, atol=1e-12, rtol=0)


@torch.no_grad()
def test_a_new_dit_answers_zero():
    """adaLN-zero: training starts from the identity of every block."""
    dit = DiT(dit_preset("tiny"))
    x = torch.randn(1, 8, BANDS)
    condition = torch.randn(1, 8, dit.config.speaker + dit.config.token_width)
    masks = [None] * dit.config.layers
    assert not dit(x, condition, dit.modulations(torch.tensor([0.5])), masks).any()


@torch.no_grad()
def test_a_token_conditions_its_own_four_frames_and_the_speaker_all():
    dit = DITS[1]
    tokens = torch.randint(0, 16, (1, 6, 2), generator=torch.Generator().manual_seed(3))
    speaker = torch.nn.functional.normalize(torch.randn(1, 8, dtype=torch.float64), dim=-1)
    before = dit.condition(tokens, speaker)
    assert before.shape == (1, 24, 16)
    other = tokens.clone()
    other[0, 2, 1] = (other[0, 2, 1] + 5) % 16
    changed = (dit.condition(other, speaker) - before).abs().amax(2)[0]
    assert changed.nonzero()[:, 0].tolist() == [8, 9, 10, 11]
    assert ((dit.condition(tokens, -speaker) - before).abs().amax(2) > 0).all()


@torch.no_grad()
def test_streams_of_a_batch_do_not_mix():
    dit, pattern = DITS[3], full(3)
    (x1, c1), (x2, c2) = inputs(dit, 9, seed=1), inputs(dit, 9, seed=2)
    both = evaluate(dit, pattern, torch.cat([x1, x2]), torch.cat([c1, c2]))
    alone = torch.cat([evaluate(dit, pattern, x1, c1), evaluate(dit, pattern, x2, c2)])
    torch.testing.assert_close(both, alone, atol=1e-11, rtol=0)


@pytest.mark.parametrize("name", ["paper", "small", "tiny"])
def test_presets_make_a_network(name: str):
    with torch.device("meta"):
        dit = DiT(dit_preset(name))
    millions = sum(p.numel() for p in dit.parameters()) / 1e6
    if name == "paper":
        assert 310 < millions < 350
    assert len(dit.blocks) == dit.config.layers
    assert dit.config.width % (2 * dit.config.heads) == 0


def test_an_unknown_size_is_named():
    with pytest.raises(StreamflowError, match="unknown size huge; choose one of paper, small, tiny"):
        dit_preset("huge")


@pytest.mark.parametrize("lengths", [[1], [24, 24, 24], [5, 1, 40, 2, 7]])
def test_a_cache_returns_all_that_was_put_in_however_it_came(lengths):
    cache, keys, values = KeyValueCache(), torch.randn(2, 3, sum(lengths), 8), torch.randn(2, 3, sum(lengths), 8)
    start = 0
    for length in lengths:
        stop = start + length
        got = cache.extend(keys[:, :, start:stop], values[:, :, start:stop])
        assert torch.equal(got[0], keys[:, :, :stop]) and torch.equal(got[1], values[:, :, :stop])
        start = stop

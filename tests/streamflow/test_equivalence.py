"""What each meaning of the past equals, over random patterns, lengths and packings (docs/decoding.md has the table)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from streamflow.attention import AHEAD, BACK, OWN, PAST, AttentionPattern, Reach
from streamflow.clean_prefix import CLEAN_TIME, clean_copy
from streamflow.decoding import Evaluator, MelStream, Plan
from streamflow.dit import DiT, DiTConfig
from streamflow.flow import Schedule, guide, integrate
from streamflow.mel import normalise
from streamflow.noise import frame_noise
from streamflow.training.clean_prefix import two_copies

SEED = 3
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}

both_ways = st.lists(st.sampled_from([OWN, BACK, AHEAD, Reach(1, 1), Reach(2, 0)]), min_size=1, max_size=4)
backward = st.lists(st.sampled_from([OWN, BACK, Reach(2, 0), PAST]), min_size=1, max_size=4)
blocks = st.sampled_from([1, 3, 4, 8, 10])
schedules = st.sampled_from([Schedule(nfe=1), Schedule(nfe=3), Schedule("midpoint", 4), Schedule(nfe=2, guidance=0.0)])
packings = st.lists(st.integers(0, 5), max_size=8)
kinds = st.sampled_from([torch.float64, torch.float32])


@cache
def network(layers: int, kind: torch.dtype, token_ahead: int = 0) -> DiT:
    config = DiTConfig(16, layers, 2, adaln_rank=4, token_width=8, speaker=8, levels=(4, 4), token_ahead=token_ahead)
    dit, random = DiT(config), torch.Generator().manual_seed(layers)
    with torch.no_grad():  # as made, gates and output are zero and everything would pass
        for parameter in dit.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)
    return dit.eval().requires_grad_(False).to(kind)


def utterance(length: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(length)
    return torch.randint(0, 16, (length, 2), generator=random), torch.randn(8, generator=random, dtype=torch.float64)


def evaluator_of(dit: DiT, plan: Plan) -> Evaluator:
    return Evaluator(SimpleNamespace(decoder=lambda weights: dit), plan)


def decoded(dit: DiT, plan: Plan, length: int, packs: list[int] = ()) -> Tensor:
    """Log-mel of an utterance that is pushed in packs, what remains in one piece."""
    tokens, speaker = utterance(length)
    stream, at, pieces = MelStream(evaluator_of(dit, plan), speaker, SEED), 0, []
    for size in [*packs, length]:
        stream.add(tokens[at : at + size])
        at += size
        while span := stream.next_span(finished=at >= length):
            pieces.append(stream.emit(span))
        if at >= length:
            break
    mel = torch.cat(pieces)
    assert len(mel) == 4 * length
    return mel


def whole_of(pattern: AttentionPattern, schedule: Schedule, **more) -> Plan:
    return Plan("w", pattern, pattern.block, hop=None, back=None, ahead=None, schedule=schedule, **more)


def assert_same(streamed: Tensor, expected: Tensor, kind: torch.dtype) -> None:
    torch.testing.assert_close(streamed, expected, atol=TOLERANCE[kind] * float(expected.abs().max()), rtol=0)


@given(both_ways, blocks, schedules, st.integers(1, 3), st.integers(1, 30), packings, kinds)
@settings(max_examples=30, deadline=None)
def test_a_window_padded_by_all_evaluations_equals_the_masked_whole(layers, block, schedule, hop, length, packs, kind):
    pattern, dit = AttentionPattern(block, tuple(layers)), network(len(layers), kind)
    whole = whole_of(pattern, schedule)
    padded = replace(whole, hop=hop, back=schedule.nfe * pattern.back, ahead=schedule.nfe * pattern.ahead)
    assert_same(decoded(dit, padded, length, packs), decoded(dit, whole, length), kind)


@given(backward, blocks, schedules, st.integers(1, 3), st.integers(1, 30), packings, kinds)
@settings(max_examples=30, deadline=None)
def test_without_look_ahead_a_frozen_past_equals_the_masked_whole(layers, block, schedule, hop, length, packs, kind):
    pattern, dit = AttentionPattern(block, tuple(layers)), network(len(layers), kind)
    whole = whole_of(pattern, schedule)
    frozen = replace(whole, hop=hop, ahead=0, past="frozen")
    assert_same(decoded(dit, frozen, length, packs), decoded(dit, whole, length), kind)


@given(both_ways, blocks, st.integers(1, 3), st.integers(1, 30), packings, kinds)
@settings(max_examples=20, deadline=None)
def test_with_one_evaluation_every_past_equals_the_masked_whole(layers, block, hop, length, packs, kind):
    """Look-ahead blocks are provisional, but one evaluation needs no more of them than the window has."""
    pattern, dit = AttentionPattern(block, tuple(layers)), network(len(layers), kind)
    whole = whole_of(pattern, Schedule(nfe=1))
    expected = decoded(dit, whole, length)
    for past in ("window", "frozen", "inpainted"):
        streamed = replace(whole, hop=hop, back=pattern.back, ahead=pattern.ahead, past=past)
        assert_same(decoded(dit, streamed, length, packs), expected, kind)


def test_with_look_ahead_and_several_evaluations_each_past_is_a_system_of_its_own():
    pattern, dit, schedule = AttentionPattern(8, (BACK, AHEAD, BACK)), network(3, torch.float64), Schedule(nfe=3)
    whole = whole_of(pattern, schedule)
    mels = [decoded(dit, whole, 24)]
    for past in ("window", "frozen", "inpainted"):
        mels.append(decoded(dit, replace(whole, hop=1, back=2, ahead=1, past=past), 24))
    for i, one in enumerate(mels):
        for other in mels[:i]:
            assert (one - other).abs().max() > 1e-4


def window_by_window(dit: DiT, plan: Plan, length: int) -> Tensor:
    """Normalised mel by the definition: of each window, on the block grid, the flow under the mask cut out of the whole's."""
    tokens, speaker = utterance(length)
    condition = dit.condition(tokens[None], speaker[None])[0]
    both = torch.stack([condition, dit.null.expand(len(condition), -1)])
    hop, frames, emitted = plan.hop * plan.grid, range(4 * length), torch.zeros(0, 80, dtype=condition.dtype)
    whole = [
        torch.ones(len(frames), len(frames)).bool() if m is None else m for m in plan.pattern.masks(frames, frames)
    ]
    times = [dit.modulations(torch.tensor([t])) for t in plan.schedule.times]
    for start in range(0, len(frames), hop):
        at = slice(max(0, start - plan.back * plan.grid), min(len(frames), start + hop + plan.ahead * plan.grid))
        noise, masks = frame_noise(SEED, at.start, at.stop), [m[at, at] for m in whole]
        past = emitted[at.start :] if plan.past == "inpainted" else emitted[:0]

        def velocity(index: int, t: float, x: Tensor, at=at, noise=noise, masks=masks, past=past) -> Tensor:
            x = torch.cat([((1 - t) * noise[: len(past)] + t * past)[None], x[:, len(past) :]], dim=1)
            v = dit(x.expand(2, -1, -1), both[:, at], times[index], masks, at.start)
            return guide(v[:1], v[1:], plan.schedule.guidance)

        solved = integrate(velocity, noise[None], plan.schedule)[0]
        emitted = torch.cat([emitted, solved[start - at.start : start - at.start + hop]])
    return emitted[: len(frames)]


@given(both_ways, blocks, st.sampled_from(["window", "inpainted"]), st.integers(1, 2), st.integers(1, 20), packings)
@settings(max_examples=25, deadline=None)
def test_every_window_is_solved_under_its_part_of_the_mask_the_last_and_short_one_too(
    layers, block, past, hop, length, packs
):
    """CosyVoice's last chunk runs under another mask than the others (its issue 1919): noise at the end of 89 % of files."""
    pattern, dit = AttentionPattern(block, tuple(layers)), network(len(layers), torch.float64)
    reach = {"back": pattern.back, "ahead": pattern.ahead}
    plan = Plan("w", pattern, block, hop=hop, past=past, schedule=Schedule("midpoint", 4), **reach)
    with torch.inference_mode():
        assert_same(normalise(decoded(dit, plan, length, packs)), window_by_window(dit, plan, length), torch.float64)


@given(blocks, schedules, st.integers(0, 6), st.integers(1, 30), packings, kinds)
@settings(max_examples=15, deadline=None)
def test_looking_ahead_over_tokens_keeps_a_frozen_past_exact(block, schedule, token_ahead, length, packs, kind):
    pattern, dit = AttentionPattern(block, (BACK, OWN, BACK)), network(3, kind, token_ahead)
    whole = whole_of(pattern, schedule, token_ahead=token_ahead)
    frozen = replace(whole, hop=1, ahead=0, past="frozen")
    assert_same(decoded(dit, frozen, length, packs), decoded(dit, whole, length), kind)


def test_a_new_look_ahead_over_tokens_changes_nothing_and_then_hears_just_so_many():
    plain = network(3, torch.float64)
    hearing = DiT(replace(plain.config, token_ahead=3)).double()
    hearing.load_state_dict(plain.state_dict(), strict=False)
    tokens, speaker = utterance(10)
    once = hearing.condition(tokens[None], speaker[None])
    assert torch.equal(once, plain.condition(tokens[None], speaker[None]))
    torch.nn.init.normal_(hearing.tokens.ahead.outer.weight)
    other = tokens.clone()
    other[6] = (other[6] + 1) % 16
    changed = hearing.condition(tokens[None], speaker[None]) - hearing.condition(other[None], speaker[None])
    heard = changed[0].abs().amax(1).unflatten(0, (10, 4)).amax(1) > 0
    assert heard.tolist() == [3 <= i <= 6 for i in range(10)]


def under_the_parallel_mask(dit: DiT, plan: Plan, mel: Tensor, length: int) -> Tensor:
    """All blocks at once, each beside the clean copies of finished mel ``[T, 80]``: queries are both copies of a frame."""
    tokens, speaker = utterance(length)
    condition = dit.condition(tokens[None], speaker[None])[0]
    both = torch.stack([condition, dit.null.expand(len(condition), -1)])
    noise = frame_noise(SEED, 0, len(mel))
    clean = clean_copy(mel, noise).expand(2, -1, -1)
    modulations = [dit.modulations(torch.tensor([t, CLEAN_TIME])) for t in plan.schedule.times]
    own = torch.arange(len(mel)) // plan.pattern.block
    apart = own[:, None] - own
    masks = [torch.cat([(apart > 0) & (apart <= r.back), apart == 0], dim=1) for r in plan.pattern.layers]
    masks = [torch.stack([m] * 4)[:, None] for m in masks]

    class BothCopies:
        """Rows: two noisy ones and two clean ones (condition, null); keys: the clean copy's, then one's own."""

        def extend(self, *states: Tensor) -> tuple[Tensor, ...]:
            return tuple(torch.cat([torch.cat([s[2:], s[2:]]), s], dim=2) for s in states)

    def velocity(index: int, _: float, x: Tensor) -> Tensor:
        times = [tuple(part[[0, 0, 1, 1]] for part in layer) for layer in modulations[index]]
        rows = torch.cat([x.expand(2, -1, -1), clean])
        v = dit(rows, torch.cat([both, both]), times, masks, 0, [BothCopies()] * len(masks))
        return guide(v[:1], v[1:2], plan.schedule.guidance)

    return integrate(velocity, noise[None], plan.schedule)[0]


@given(st.integers(0, 3), blocks, st.sampled_from([1, 3]), st.integers(1, 20), packings, kinds)
@settings(max_examples=30, deadline=None)
def test_clean_prefix_equals_its_parallel_mask_over_what_it_gave_out(back, block, nfe, length, packs, kind):
    pattern, dit = AttentionPattern(block, (Reach(back, 0),) * 3), network(3, kind)
    plan = Plan("w", pattern, block, back=back, past="clean", schedule=Schedule(nfe=nfe))
    streamed = normalise(decoded(dit, plan, length, packs))
    with torch.inference_mode():
        assert_same(streamed, under_the_parallel_mask(dit, plan, streamed, length), kind)


@given(st.integers(0, 5), st.sampled_from([2, 4, 8]), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_the_loss_of_clean_prefix_goes_through_the_same_mask_block_by_block(back, block, items, count):
    dit, frames = network(3, torch.float64), block * count
    pattern = AttentionPattern(block, (Reach(back, 0),) * 3)
    random = torch.Generator().manual_seed(block)
    clean, noisy = torch.randn(2, items, frames, 80, generator=random, dtype=torch.float64)
    condition = torch.randn(items, frames, 16, generator=random, dtype=torch.float64)
    t = torch.rand(items, generator=random, dtype=torch.float64)
    own = torch.arange(frames) // block
    apart = own[:, None] - own
    mask = torch.cat([(apart > 0) & (apart <= back), apart == 0], dim=1)

    class BothCopies:
        def extend(self, *states: Tensor) -> tuple[Tensor, ...]:
            return tuple(torch.cat([torch.cat([s[:items]] * 2), s], dim=2) for s in states)

    times = dit.modulations(torch.cat([torch.full_like(t, CLEAN_TIME), t]))
    rows = torch.cat([clean, noisy]), torch.cat([condition, condition])
    expected = dit(*rows, times, [mask] * 3, 0, [BothCopies()] * 3)[items:]
    got = two_copies(dit, pattern, clean, noisy, condition, t)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("past", ["window", "frozen", "inpainted", "clean"])
def test_a_stream_holds_no_more_the_longer_it_gets(past):
    pattern = AttentionPattern(8, (Reach(2, 0), OWN, BACK))
    plan = Plan("w", pattern, 8, back=3, past=past, schedule=Schedule(nfe=2))
    tokens, speaker = utterance(60)
    stream, sizes = MelStream(evaluator_of(network(3, torch.float32), plan), speaker.float(), SEED), []
    for token in tokens:
        stream.add(token[None])
        while span := stream.next_span(finished=False):
            stream.emit(span)
            sizes.append(held(stream))
    assert max(sizes[4:]) == sizes[4]


def held(thing, seen: set[int] | None = None) -> int:
    """Bytes of the tensors that an object's own state holds, weights and what sessions share apart."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, Evaluator | Plan):
        return 0
    seen.add(id(thing))
    if isinstance(thing, Tensor):
        return thing.untyped_storage().nbytes()
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else None
    if parts is None:
        parts = vars(thing).values() if hasattr(thing, "__dict__") else ()
    return sum(held(part, seen) for part in parts)

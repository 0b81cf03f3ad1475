"""Streams that advance together: each gives the audio that it gives alone, whoever is beside it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamflow.attention import causal, full
from streamflow.batch_windows import Window, groups, joint
from streamflow.batching import BatchedEvaluator, Batcher, _Job, batched_system
from streamflow.cones import cones
from streamflow.decoding import CancelledError, Evaluator, Plan
from streamflow.errors import StrategyError
from streamflow.flow import Schedule
from streamflow.noise import frame_noise
from streamflow.strategies import make_system

PATIENCE_S = 120.0
BATCHED = (
    ("window", {}),
    ("streamflow-sr", {}),
    ("streamflow-lr", {}),
    ("cosyvoice", {}),
    ("naive", {}),
    ("causal", {}),
    ("cosyvoice", {"cached": True}),
    ("streamflow-sr", {"past": "frozen"}),
    ("streamflow-sr", {"past": "inpainted"}),
    ("streamflow-q0", {}),
    ("clean-prefix", {}),
)


def windows_of(evaluator: Evaluator, spans: list[tuple[int, int]]) -> list[Window]:
    """A window a span, each of another stream: its own tokens, voice and noise."""
    made, plan, dit = [], evaluator.plan, evaluator.dit
    kind = dit.input.weight.dtype
    for seed, (start, frames) in enumerate(spans):
        rng = np.random.default_rng(seed)
        stop = start + frames
        tokens = torch.from_numpy(rng.integers(0, 64, (1, -(-frames // 4), 2)))
        voice = torch.from_numpy(rng.standard_normal((1, 16))).to(kind) / 4
        with torch.inference_mode():
            condition = dit.condition(tokens, voice)[0, :frames]
        window, own = range(start, stop), range(start + frames // 3, stop - frames // 4)
        todo = cones(plan.pattern, plan.schedule.nfe, window, own)
        made.append(Window(frame_noise(seed, start, stop), condition, start, todo))
    return made


def own_rows(window: Window) -> slice:
    """The rows whose mel is asked for."""
    return slice(window.cones[-1].outputs.start, window.cones[-1].outputs.stop)


def never() -> None:
    """A stream that nobody cancels."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spans=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 40)), min_size=1, max_size=6),
    name=st.sampled_from(["streamflow-sr", "streamflow-lr", "full", "cosyvoice"]),
    guidance=st.sampled_from([0.0, 0.7]),
    double=st.booleans(),
)
def test_a_window_solved_in_a_batch_equals_the_window_solved_alone(bundle, spans, name, guidance, double):
    pattern = bundle.pattern(name)
    plan = Plan(name, pattern, 8, back=None, schedule=Schedule(nfe=3, guidance=guidance))
    evaluator = Evaluator(bundle, plan)
    evaluator.dit.to(torch.float64 if double else torch.float32)
    try:
        windows = windows_of(evaluator, spans)
        jobs = [_Job(window, never) for window in windows]
        Batcher(evaluator).solve_together(jobs)
        for window, job in zip(windows, jobs, strict=True):
            wanted = own_rows(window)
            alone = evaluator.solve(window, never)[wanted]
            assert job.error is None
            torch.testing.assert_close(job.mel[wanted], alone, atol=1e-10 if double else 1e-4, rtol=0)
    finally:
        evaluator.dit.float()


@given(lengths=st.lists(st.integers(1, 200), min_size=1, max_size=12))
def test_every_window_is_in_one_group_and_no_group_is_mostly_padding(lengths):
    windows = [Window(torch.zeros(n, 80), torch.zeros(n, 4), 0, ()) for n in lengths]
    made = list(groups(windows))
    assert sorted(i for group in made for i in group) == list(range(len(lengths)))
    for group in made:
        assert min(lengths[i] for i in group) >= 0.75 * max(lengths[i] for i in group)


def test_padding_is_seen_by_nobody_and_every_row_sees_something():
    short = cones(causal(1), 1, range(0, 3), range(0, 3))[0]
    long = cones(full(1), 1, range(0, 5), range(0, 5))[0]
    mask = joint([short, long], 1).masks[0][:, 0]
    assert torch.equal(mask[0, :3, :3], short.masks[0])
    assert not mask[0, :3, 3:].any()
    assert torch.equal(mask[0, 3:], torch.eye(5, dtype=torch.bool)[3:])
    assert mask[1].all()


def test_a_cancelled_stream_leaves_the_batch_and_the_others_are_unharmed(bundle):
    pattern = bundle.pattern("streamflow-sr")
    evaluator = Evaluator(bundle, Plan("streamflow-sr", pattern, 8, back=2, ahead=1, schedule=Schedule(nfe=4)))
    windows, asked = windows_of(evaluator, [(0, 32), (64, 32), (8, 30)]), []

    def cancelled() -> None:
        asked.append(len(asked))
        if len(asked) == 3:
            raise CancelledError

    jobs = [_Job(w, check) for w, check in zip(windows, (never, cancelled, never), strict=True)]
    Batcher(evaluator).solve_together(jobs)
    assert isinstance(jobs[1].error, CancelledError)
    assert jobs[1].mel is None
    assert len(asked) == 3  # it is not asked again
    for i in (0, 2):
        wanted = own_rows(windows[i])
        alone = evaluator.solve(windows[i], never)[wanted]
        torch.testing.assert_close(jobs[i].mel[wanted], alone, atol=1e-4, rtol=0)


def test_when_all_are_cancelled_the_network_is_not_evaluated_again(bundle):
    pattern = bundle.pattern("streamflow-sr")
    evaluator = Evaluator(bundle, Plan("streamflow-sr", pattern, 8, back=2, ahead=1, schedule=Schedule(nfe=4)))
    evaluations = []
    hook = evaluator.dit.register_forward_pre_hook(lambda *_: evaluations.append(1))

    def cancelled() -> None:
        if len(evaluations) == 1:
            raise CancelledError

    try:
        jobs = [_Job(w, cancelled) for w in windows_of(evaluator, [(0, 32), (0, 32)])]
        Batcher(evaluator).solve_together(jobs)
    finally:
        hook.remove()
    assert len(evaluations) == 1
    assert all(isinstance(job.error, CancelledError) for job in jobs)


def in_threads(works) -> list:
    """What each work returns or raises, all at once."""
    results = [None] * len(works)

    def run(i: int) -> None:
        try:
            results[i] = works[i]()
        except BaseException as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(works))]
    for thread in threads:
        thread.start()
    return results, threads


@pytest.mark.parametrize(("name", "parameters"), BATCHED)
def test_sessions_decoded_together_give_the_audio_that_they_give_alone(
    bundle, request_, tokens, name, parameters, decode
):
    alone = make_system(name, bundle, nfe=2, **parameters)
    together, batcher = batched_system(name, bundle, nfe=2, **parameters)
    requests = [replace(request_, seed=i, speaker=request_.speaker * (-1) ** i) for i in range(3)]
    lengths = (29, 17, 24)
    with batcher.held():
        works = [lambda r=r, n=n: decode(together(r), tokens[:n], [n]) for r, n in zip(requests, lengths, strict=True)]
        results, threads = in_threads(works)
        assert batcher.wait_for(3, PATIENCE_S)
    for thread in threads:
        thread.join(PATIENCE_S)
    for result, request, n in zip(results, requests, lengths, strict=True):
        np.testing.assert_allclose(result, decode(alone(request), tokens[:n], [n]), atol=1e-4)
    assert max(batcher.sizes) > 1


def test_cancelling_one_session_in_a_batch_ends_it_and_spares_the_other(bundle, request_, tokens, decode, chunks_of):
    together, batcher = batched_system("streamflow-sr", bundle, nfe=2)
    first, second = together(request_), together(replace(request_, seed=8))
    with batcher.held():
        results, threads = in_threads(
            [lambda: chunks_of(first, tokens, [len(tokens)]), lambda: decode(second, tokens, [len(tokens)])]
        )
        assert batcher.wait_for(2, PATIENCE_S)
        first.cancel()
    for thread in threads:
        thread.join(PATIENCE_S)
    expected = decode(make_system("streamflow-sr", bundle, nfe=2)(replace(request_, seed=8)), tokens)
    np.testing.assert_allclose(results[1], expected, atol=1e-4)
    assert isinstance(results[0], Exception) or sum(len(c.samples) for c in results[0]) < len(expected)


def test_a_network_that_fails_tells_every_stream_of_its_batch_and_goes_on_with_the_next(bundle):
    pattern = bundle.pattern("streamflow-sr")
    evaluator = BatchedEvaluator(bundle, Plan("streamflow-sr", pattern, 8, back=2, ahead=1, schedule=Schedule(nfe=2)))
    good = windows_of(evaluator, [(0, 32)])[0]
    bad = replace(good, condition=good.condition[:, :3])
    with pytest.raises(RuntimeError):
        evaluator.batcher.solve(bad, never)
    assert torch.isfinite(evaluator.batcher.solve(good, never)[own_rows(good)]).all()


def test_a_control_has_no_windows_to_batch(bundle):
    with pytest.raises(StrategyError, match="without windows"):
        batched_system("copy-synthesis", bundle)

"""Sessions that are cancelled, driven wrongly or run at once from threads: the others never notice."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.errors import StrategyError, StreamflowError
from streamflow.strategies import STRATEGIES, make_system, parameters_of_strategy

FLOW = [s for s in STRATEGIES if s not in ("copy-synthesis", "tokenizer")]
STREAMING = [s for s in FLOW if s not in ("full", "full+")]
WITH_PAST = [s for s in FLOW if "past" in parameters_of_strategy(s)]


@pytest.fixture(scope="module")
def systems(bundle):
    return {name: make_system(name, bundle, nfe=2) for name in FLOW}


@given(st.sampled_from(FLOW), st.lists(st.integers(0, 3), min_size=8, max_size=60))
@settings(max_examples=25, deadline=None)
def test_any_interleaving_of_sessions_gives_each_its_own_samples(
    systems, request_, tokens, decode, audio_of, name, turns
):
    """Four sessions of one system with voices and lengths of their own; ``turns`` says who pushes next."""
    requests = [replace(request_, seed=i, speaker=np.roll(request_.speaker, i)) for i in range(4)]
    streams = [tokens[: 29 - 3 * i] for i in range(4)]
    sessions, chunks, at = [systems[name](r) for r in requests], [[] for _ in requests], [0] * 4
    for turn in turns:
        chunks[turn] += sessions[turn].push(streams[turn][at[turn] : at[turn] + 2])
        at[turn] += 2
    for i, session in enumerate(sessions):
        chunks[i] += [*session.push(streams[i][at[i] :]), *session.finish()]
    for i, request in enumerate(requests):
        np.testing.assert_array_equal(audio_of(chunks[i]), decode(systems[name](request), streams[i]))


@pytest.mark.parametrize("name", FLOW)
def test_sessions_in_threads_give_what_they_give_alone(systems, request_, tokens, decode, name):
    """To rounding: how many compute threads a caller's thread gets decides the order of some sums."""
    requests = [replace(request_, seed=i, speaker=np.roll(request_.speaker, i)) for i in range(4)]
    alone = [decode(systems[name](r), tokens) for r in requests]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda r: decode(systems[name](r), tokens), requests))
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", FLOW)
@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_cancel_lets_the_evaluation_at_work_end_and_no_other_begin(bundle, request_, tokens, name, evaluation):
    system = make_system(name, bundle, nfe=4)
    session, begun = system(request_), 0

    def cancel_in_the_middle(*_) -> None:
        nonlocal begun
        begun += 1
        if begun == evaluation:
            session.cancel()

    hook = bundle.decoder(system.describe()["weights"]).register_forward_pre_hook(cancel_in_the_middle)
    try:
        assert [*session.push(tokens), *(session.finish() if name not in STREAMING else ())] == []
    finally:
        hook.remove()
    assert begun == evaluation


@pytest.mark.parametrize("name", FLOW)
def test_cancel_frees_what_the_stream_held(systems, request_, tokens, name):
    session = systems[name](request_)
    list(session.push(tokens))
    past = weakref.ref(session._mel._past)
    session.cancel()
    gc.collect()
    assert past() is None
    assert not session._mel._tokens and not len(session._mel._condition)


@pytest.mark.parametrize("name", FLOW)
def test_misuse_is_a_named_error_and_leaves_every_session_as_it_was(systems, request_, tokens, decode, audio_of, name):
    alone = decode(systems[name](request_), tokens)
    session, beside, chunks = systems[name](request_), systems[name](request_), []
    half = len(tokens) // 2
    chunks += session.push(tokens[:half])
    by_the_side = list(beside.push(tokens[:half]))
    for bad, named in (
        (np.full((1, 2), 64), "outside the codebook"),
        (np.zeros((2, 3), int), "shape"),
        (np.zeros((2, 2)), "type"),
    ):
        with pytest.raises(StreamflowError, match=named):
            session.push(bad)
    with pytest.raises(StreamflowError, match="speaker embedding"):
        systems[name](replace(request_, speaker=np.zeros(3, np.float32)))
    assert list(session.push(tokens[:0])) == []
    chunks += [*session.push(tokens[half:]), *session.finish()]
    for again in (session.finish, lambda: session.push(tokens)):
        with pytest.raises(StreamflowError, match="ended"):
            again()
    session.cancel()
    np.testing.assert_array_equal(audio_of(chunks), alone)
    by_the_side += [*beside.push(tokens[half:]), *beside.finish()]
    np.testing.assert_array_equal(audio_of(by_the_side), alone)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_first_sample_comes_with_the_token_that_the_configuration_says(bundle, request_, tokens, data):
    name = data.draw(st.sampled_from(STREAMING))
    offered = {
        "block": st.sampled_from([4, 5, 8, 12]),
        "hop": st.integers(1, 2),
        "ahead": st.integers(0, 2),
        "overlap": st.integers(0, 4),
        "crossfade": st.sampled_from([0.0, 0.2]),
        "past": st.sampled_from(["window", "frozen", "inpainted"]),
        "cached": st.booleans(),
    }
    known = parameters_of_strategy(name)
    system = make_system(name, bundle, nfe=1, **{k: data.draw(v, k) for k, v in offered.items() if k in known})
    session, tokens = system(request_), np.concatenate([tokens] * 2)
    came = next(i for i in range(1, len(tokens) + 1) if list(session.push(tokens[i - 1 : i])))
    assert came / 25 == pytest.approx(system.algorithmic_latency_s)


@pytest.mark.parametrize("name", WITH_PAST)
@pytest.mark.parametrize("past", ["window", "frozen", "inpainted"])
def test_each_past_is_a_stream_like_any_other(bundle, request_, tokens, decode, name, past):
    system = make_system(name, bundle, nfe=2, past=past)
    once = decode(system(request_), tokens)
    np.testing.assert_array_equal(decode(system(request_), tokens, [5, 0, 9]), once)
    assert len(once) == 640 * len(tokens)


@pytest.mark.parametrize(
    ("name", "parameters", "named"),
    [
        ("streamflow-sr", {"past": "melted"}, "unknown past melted"),
        ("streamflow-sr", {"block": 0}, "block"),
        ("overlap", {"overlap": -1}, "overlap"),
        ("overlap", {"fade_window": "square"}, "fade_window"),
    ],
)
def test_a_configuration_that_does_not_exist_is_refused(bundle, name, parameters, named):
    with pytest.raises(StrategyError, match=named):
        make_system(name, bundle, **parameters)

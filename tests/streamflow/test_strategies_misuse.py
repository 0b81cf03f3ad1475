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
from streamflow.strategies import STRATEGIES, make_system, parameters_of_strategy, plan_of_strategy

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
        ("naive", {"block": None}, "naive: block=None must be a whole number, such as 24"),
        ("naive", {"crossfade": "x"}, "crossfade='x' must be a number, such as 0.0"),
        ("naive", {"fresh_noise": "false"}, "fresh_noise='false' must be true or false"),
        ("naive", {"hop": True}, "hop=True must be a whole number"),
        ("cosyvoice", {"cached": 1}, "cached=1 must be true or false"),
        ("full", {"solver": ["rk4"]}, "solver=.* must be a word, such as euler"),
        ("full", {"guidance": float("nan")}, "guidance=nan"),
        ("streamflow-lr", {"block": 8.0}, "block=8.0 must be a whole number, such as 2"),
    ],
)
def test_a_configuration_that_does_not_exist_is_refused(bundle, name, parameters, named):
    with pytest.raises(StrategyError, match=named):
        make_system(name, bundle, **parameters)
    with pytest.raises(StrategyError, match=named):
        plan_of_strategy(name, bundle, parameters)


@pytest.mark.parametrize("name", FLOW)
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"speaker": np.full(16, np.nan, np.float32)}, "not finite"),
        ({"speaker": np.array([*[0.1] * 15, np.inf])}, "not finite"),
        ({"speaker": np.zeros((1, 16), np.float32)}, r"shape \(1, 16\)"),
        ({"speaker": "anna"}, "speaker embedding of shape"),
        ({"speaker": [[1.0], [1.0, 2.0]]}, "speaker embedding: no array"),
        ({"seed": None}, "seed None"),
        ({"seed": 1.5}, "seed 1.5"),
    ],
    ids=["nan", "infinite", "row", "text", "ragged", "no seed", "broken seed"],
)
def test_a_request_that_cannot_be_decoded_is_refused_when_the_session_opens(systems, request_, name, changed, named):
    with pytest.raises(StreamflowError, match=named):
        systems[name](replace(request_, **changed))


@pytest.mark.parametrize("name", FLOW)
def test_samples_that_are_not_finite_are_an_error_and_never_given_out(systems, request_, tokens, decode, name):
    beside = systems[name](request_)
    first = list(beside.push(tokens))
    session = systems[name](replace(request_, speaker=np.full(16, 1e30)))
    with pytest.raises(StreamflowError, match="not finite: check the weights"):
        for chunk in (chunk for call in (lambda: session.push(tokens), session.finish) for chunk in call()):
            assert np.isfinite(chunk.samples).all()
    rest = np.concatenate([chunk.samples for chunk in [*first, *beside.finish()]])
    np.testing.assert_array_equal(rest, decode(systems[name](request_), tokens))


@pytest.mark.parametrize(
    ("bad", "named"),
    [([[3, -1]], "token -1 is outside"), ([[63, 64]], "token 64 is outside"), ([[1, 2], [3]], "tokens: no array")],
)
def test_the_token_that_is_outside_is_the_one_named(systems, request_, bad, named):
    with pytest.raises(StreamflowError, match=named):
        systems["causal"](request_).push(bad)


@pytest.mark.parametrize("name", ["copy-synthesis", "tokenizer"])
def test_a_control_ends_as_every_session_does(bundle, request_, tokens, name):
    for end in (lambda session: list(session.finish()), lambda session: session.cancel()):
        session = make_system(name, bundle)(request_)
        assert list(session.push(tokens)) == []
        end(session)
        for again in (session.finish, lambda session=session: session.push(tokens)):
            with pytest.raises(StreamflowError, match="ended"):
                again()
    session = make_system(name, bundle)(request_)
    list(session.push(tokens))
    rest = session.finish()
    session.cancel()
    assert list(rest) == []

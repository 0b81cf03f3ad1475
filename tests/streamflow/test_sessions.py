"""Every strategy as a stream: packing, interleaving, causality, ends and cancelling, through the session protocol."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.errors import StrategyError, StreamflowError
from streamflow.session import Session
from streamflow.strategies import STRATEGIES, make_system
from streamflow.tiny import BLOCK

FLOW = [s for s in STRATEGIES if s not in ("copy-synthesis", "tokenizer")]
STREAMING = [s for s in FLOW if s not in ("full", "full+")]


@pytest.fixture(scope="module")
def systems(bundle):
    return {name: make_system(name, bundle, **({"nfe": 2} if name in FLOW else {})) for name in STRATEGIES}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_gives_forty_milliseconds_a_token_through_the_protocol(systems, request_, tokens, name, decode):
    session = systems[name](request_)
    assert isinstance(session, Session)
    audio = decode(session, tokens)
    assert audio.dtype == np.float32
    assert len(audio) == 640 * len(tokens)
    assert np.abs(audio).max() <= 1
    assert audio.std() > 0


@pytest.mark.parametrize("name", STRATEGIES)
@settings(max_examples=6, deadline=None)
@given(packs=st.lists(st.integers(0, 9), max_size=12))
def test_the_audio_does_not_depend_on_how_the_tokens_were_packed(systems, request_, tokens, name, packs, decode):
    one_by_one = decode(systems[name](request_), tokens)
    packed = decode(systems[name](request_), tokens, packs)
    np.testing.assert_array_equal(packed, one_by_one)


@pytest.mark.parametrize("name", FLOW)
def test_sessions_of_one_system_do_not_disturb_one_another(systems, request_, tokens, name, audio_of, decode):
    other = replace(request_, seed=9, speaker=-request_.speaker)
    alone = decode(systems[name](request_), tokens)
    first, second, chunks = systems[name](request_), systems[name](other), []
    for token, stray in zip(tokens, tokens[::-1], strict=True):
        chunks += list(first.push(token[None]))
        list(second.push(stray[None]))
    list(second.finish())
    np.testing.assert_array_equal(audio_of(chunks + list(first.finish())), alone)


@pytest.mark.parametrize("name", STREAMING)
def test_audio_given_out_depends_on_no_token_that_had_not_come(systems, request_, tokens, name, audio_of, decode):
    cut = 17
    changed = np.concatenate([tokens[:cut], (tokens[cut:] + 1) % 64])
    streams = []
    for given_tokens in (tokens, changed):
        session = systems[name](request_)
        streams.append(audio_of([c for t in given_tokens[:cut] for c in session.push(t[None])]))
    np.testing.assert_array_equal(*streams)
    whole = decode(systems[name](request_), tokens)
    np.testing.assert_array_equal(whole[: len(streams[0])], streams[0])


@pytest.mark.parametrize("name", STREAMING)
def test_the_first_packet_comes_when_the_algorithmic_latency_says(systems, request_, tokens, name):
    session, count = systems[name](request_), 0
    for token in tokens:
        count += 1
        if list(session.push(token[None])):
            break
    assert count / 25 == pytest.approx(systems[name].algorithmic_latency_s)


@pytest.mark.parametrize("name", FLOW)
def test_the_seed_and_nothing_else_decides_the_noise(systems, request_, tokens, name, decode):
    once, again = (decode(systems[name](request_), tokens) for _ in range(2))
    other = decode(systems[name](replace(request_, seed=6)), tokens)
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1e-4


@pytest.mark.parametrize("name", STREAMING)
def test_seams_lie_on_the_grid_of_emissions_although_the_vocoder_holds_samples_back(
    systems, request_, tokens, name, chunks_of
):
    hop = systems[name].describe()["window"]["grid"] * 160
    chunks = chunks_of(systems[name](request_), tokens)
    seams = [c.seam_sample for c in chunks if c.seam_sample]
    assert seams == [hop * i for i in range(1, len(seams) + 1)]
    assert len(seams) == -(-640 * len(tokens) // hop) - 1


@pytest.mark.parametrize("name", FLOW)
def test_cancel_ends_the_session_before_the_next_evaluation(systems, request_, tokens, name):
    session = systems[name](request_)
    stream = session.push(tokens) if name in STREAMING else (list(session.push(tokens)), session.finish())[1]
    if name in STREAMING:
        next(iter(stream))
    session.cancel()
    assert list(stream) == []
    with pytest.raises(StreamflowError, match="ended"):
        session.push(tokens)


@pytest.mark.parametrize("name", FLOW)
def test_an_utterance_shorter_than_a_block_is_decoded(systems, request_, tokens, name, decode):
    assert len(decode(systems[name](request_), tokens[:1])) == 640


@pytest.mark.parametrize("name", ["causal", "cosyvoice"])
def test_cached_keys_and_values_give_what_recomputing_the_prefix_gives(bundle, request_, tokens, name, decode):
    cached, recomputed = (decode(make_system(name, bundle, nfe=3, cached=c)(request_), tokens) for c in (True, False))
    np.testing.assert_allclose(cached, recomputed, atol=1e-4 * np.abs(cached).max())


def test_a_streamflow_stream_forgets_what_no_later_window_reaches(systems, request_, tokens):
    session = systems["streamflow-sr"](request_)
    for _ in range(8):
        list(session.push(tokens))
    assert len(session._mel._condition) <= 4 * BLOCK


def test_an_unknown_strategy_or_parameter_is_refused_with_the_nearest_name(bundle):
    with pytest.raises(StrategyError, match="did you mean streamflow-sr"):
        make_system("streamflow-rs", bundle)
    with pytest.raises(StrategyError, match="did you mean guidance"):
        make_system("full", bundle, guidence=1.0)
    with pytest.raises(StrategyError, match="multiple of the 4 stages"):
        make_system("full", bundle, solver="rk4", nfe=6)


@pytest.mark.parametrize(
    ("parameter", "value"), [("nfe", 8.0), ("nfe", "8"), ("hop", 1.5), ("ahead", -1), ("back", -1), ("guidance", "x")]
)
def test_a_parameter_of_the_wrong_kind_is_refused_before_anything_is_decoded(bundle, parameter, value):
    with pytest.raises(StrategyError, match=parameter):
        make_system("streamflow-sr", bundle, **{parameter: value})


def test_nothing_comes_after_cancel_not_even_what_the_vocoder_held_back(systems, request_, tokens):
    session = systems["causal"](request_)
    list(session.push(tokens[:6]))
    end = session.finish()
    session.cancel()
    assert list(end) == []


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_speaker_embedding_or_token_of_another_bundle_is_refused(systems, request_, name):
    with pytest.raises(StreamflowError, match="outside the codebook"):
        list(systems[name](request_).push(np.full((1, 2), 99_999)))
    if name != "copy-synthesis":
        with pytest.raises(StreamflowError, match="speaker embedding"):
            systems[name](replace(request_, speaker=np.zeros(3, np.float32)))


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 3), int), np.zeros((3, 2)), np.full((1, 2), 64), np.full((1, 2), -1), np.zeros(4, int)]
)
def test_tokens_that_the_codebook_does_not_have_are_refused(systems, request_, bad):
    with pytest.raises(StreamflowError, match="token"):
        systems["streamflow-sr"](request_).push(bad)

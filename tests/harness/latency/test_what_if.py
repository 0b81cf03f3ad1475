"""Traces played again: timelines against the player, many streams against one at a time, and another token rate."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.latency import Player, first_sound_by_rate, one_stream, outcomes, play, playout, streams_of_run, timeline
from harness.latency.bench_tables import LatencyError
from harness.latency.delivery import deliver, silence_by_buffer
from harness.latency.plan import LOADING_S, Settings, expected_s
from harness.latency.what_if import MOST_STREAMS, stream_names

TRACES = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0, 1), min_size=n, max_size=n).map(np.cumsum),
        st.lists(st.integers(160, 20_000), min_size=n, max_size=n).map(np.array),
    )
)


def traces_of(compute_s: dict[str, float], utterances: int = 3, chunks: int = 6) -> pandas.DataFrame:
    """Streams of 0.4 s chunks, each made so long after its last token."""
    rows = []
    for system, work_s in compute_s.items():
        for utterance in range(utterances):
            free_at = 0.0
            for index in range(chunks):
                tokens = 10 * (index + 1)
                free_at = max(free_at, tokens / 25) + work_s
                rows.append(
                    {
                        "system": system, "utterance": f"u{utterance}", "seed": 0, "index": index,
                        "start_sample": 6400 * index, "samples": 6400, "tokens_in": tokens, "arrived_s": free_at,
                        "compute_s": work_s,
                    }
                )  # fmt: skip
    return streams_of_run(pandas.DataFrame(rows))


@given(TRACES, st.floats(0, 0.5))
def test_a_timeline_tells_what_the_player_sums_up(trace, buffer_s):
    arrived, samples = trace
    line, whole = timeline(arrived, samples, buffer_s), playout(arrived, samples, buffer_s)
    assert line.begins_s[0] == pytest.approx(whole.first_sound_s)
    assert line.pause_s.sum() == pytest.approx(whole.underrun_s, abs=1e-9)
    assert len(line.pauses) == whole.underruns
    assert line.ends_s[-1] - line.begins_s[0] == pytest.approx(samples.sum() / 16_000 + whole.underrun_s)


@given(TRACES, st.floats(0, 0.5))
def test_nothing_is_heard_before_it_is_there_and_sounds_follow_one_another(trace, buffer_s):
    line = timeline(*trace, buffer_s)
    assert (line.begins_s >= line.delivered_s - 1e-9).all()
    np.testing.assert_allclose(line.begins_s[1:] - line.pause_s[1:], line.ends_s[:-1], atol=1e-9)


@given(TRACES, st.floats(0, 0.2), st.lists(st.floats(0, 2), min_size=1, max_size=5))
def test_silence_by_buffer_is_what_playing_gives(trace, jitter_s, buffers_s):
    stream = deliver(*trace, jitter_s, draws=7, seed=3)
    silence_s, continuity = silence_by_buffer([stream], np.array(buffers_s))
    for place, buffer_s in enumerate(buffers_s):
        times = stream.late_s + np.concatenate([[0], np.cumsum(trace[1][:-1])]) / 16_000  # arrivals, but for a constant
        played = [playout(arrived, trace[1], buffer_s) for arrived in times]
        assert silence_s[place] == pytest.approx(np.mean([one.underrun_s for one in played]), abs=1e-6)
        assert continuity[place] == pytest.approx(np.mean([one.continuity for one in played]), abs=1e-6)


def test_a_system_slower_than_speech_starves_and_a_quick_one_does_not():
    traces = traces_of({"quick": 0.05, "slow": 0.5})
    player = Player()
    rows = outcomes(play(traces, player), player).set_index("system")
    assert rows.loc["quick", "continuity"] == pytest.approx(1) and rows.loc["quick", "underruns"] == 0
    assert rows.loc["slow", "underrun_s"] == pytest.approx(5 * 0.1)
    assert rows.loc["slow", "buffer_for_none_ms"] == pytest.approx(500)
    enough = Player(buffer_ms=float(rows.loc["slow", "buffer_for_none_ms"]))
    assert outcomes(play(traces, enough), enough).set_index("system").loc["slow", "continuity"] == pytest.approx(1)


def test_tokens_that_come_faster_shorten_the_wait_but_not_the_work():
    rates = first_sound_by_rate(traces_of({"quick": 0.05}), (25.0, 100.0)).set_index("tokens_per_second")
    assert rates.loc[25.0, "first_sound_s"] == pytest.approx(0.4 + 0.05)
    assert rates.loc[100.0, "first_sound_s"] == pytest.approx(0.1 + 0.05)


@pytest.mark.parametrize("speech", [25.0, 50.0])
def test_unless_rates_are_asked_for_they_begin_at_that_of_the_speech(speech):
    traces = traces_of({"quick": 0.05})
    traces = traces.assign(tokens_per_second=speech, arrived_s=traces["tokens_in"] / speech + 0.05)
    rates = first_sound_by_rate(traces).set_index("tokens_per_second")["first_sound_s"]
    assert min(rates.index) == speech and max(rates.index) == 8 * speech
    assert rates[speech] == pytest.approx(10 / speech + 0.05)
    own = Settings().at(speech)
    assert (own.tokens_per_second, own.token_rates) == (speech, (speech, 2 * speech, 4 * speech, 8 * speech))
    given_ones = Settings(tokens_per_second=30.0, token_rates=(40.0,)).at(speech)
    assert (given_ones.tokens_per_second, given_ones.token_rates) == (30.0, (40.0,))


def test_one_stream_meets_the_network_that_it_meets_among_the_others():
    traces, player = traces_of({"slow": 0.5}), Player(jitter_ms=50, buffer_ms=100)
    among = play(traces, player)["slow"][1]
    line = one_stream(traces, "slow", "u1", player)
    assert line.delivered_s[0] == pytest.approx(among.first_s[0])


def test_a_stream_that_is_not_there_is_named():
    with pytest.raises(LatencyError, match="slow has no stream 'u9'"):
        one_stream(traces_of({"slow": 0.5}), "slow", "u9", Player())


@pytest.mark.parametrize("wrong", [{"tokens_per_second": 0}, {"buffer_ms": -1}, {"jitter_ms": float("nan")}])
def test_a_player_that_cannot_be_names_the_value_and_its_limits(wrong):
    with pytest.raises(LatencyError, match=f"{next(iter(wrong))}.*give a number from"):
        Player(**wrong)


def test_of_very_many_streams_some_are_played_evenly_over_all():
    traces = traces_of({"quick": 0.05}, utterances=3 * MOST_STREAMS, chunks=2)
    names = stream_names(traces, "quick")
    assert len(names) == MOST_STREAMS == len(play(traces, Player())["quick"])
    assert {"u0", f"u{3 * MOST_STREAMS - 1}"} <= set(names)


def test_seeds_tell_streams_of_one_utterance_apart():
    traces = traces_of({"quick": 0.05}, utterances=1).drop(columns="stream")
    both = streams_of_run(pandas.concat([traces, traces.assign(seed=1)]))
    assert sorted(both["stream"].unique()) == ["u0, seed 0", "u0, seed 1"]


def test_what_a_bench_takes_counts_its_parts():
    settings = Settings(lengths_s=(5.0, 10.0), repeats=2, streams=(1, 4), stream_repeats=1, interrupts=0)
    assert expected_s(settings, {}) == LOADING_S
    # alone 2 x 15 s x 0.5; together 5 s in real time, and 4 x 5 s x 0.5 of work
    assert expected_s(settings, {"a": 0.5}) == pytest.approx(LOADING_S + 15 + 5 + 10)

"""The player, against a simulation that goes sample by sample and knows nothing of running maxima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.latency import playout, retime
from harness.latency.playout import delivered, lateness, network_delays, pauses
from harness.render import VirtualClock

CHUNKS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 900), min_size=n, max_size=n), st.lists(st.integers(1, 600), min_size=n, max_size=n)
    )
)


def played_by_the_millisecond(arrived_ms, lengths_ms, buffer_ms):
    """Silence, pauses and the first sound, from a player that ticks once a millisecond."""
    begin = arrived_ms[0] + buffer_ms
    now, queue, played, silence, paused, pause_count = begin, 0, 0, 0, False, 0
    total, given_out = sum(lengths_ms), 0
    while played < total:
        while given_out < len(arrived_ms) and arrived_ms[given_out] <= now:
            queue += lengths_ms[given_out]
            given_out += 1
        if queue:
            queue, played, paused = queue - 1, played + 1, False
        else:
            silence += 1
            pause_count += not paused
            paused = True
        now += 1
    return silence, pause_count, begin


@given(CHUNKS, st.integers(0, 500))
def test_underruns_are_those_of_a_player_that_ticks(chunks, buffer_ms):
    gaps, lengths_ms = chunks
    arrived_ms = np.cumsum(gaps)
    silence, count, begin = played_by_the_millisecond(arrived_ms, lengths_ms, buffer_ms)
    result = playout(arrived_ms / 1000, np.array(lengths_ms) * 16, buffer_ms / 1000)
    assert result.underrun_s == pytest.approx(silence / 1000, abs=1e-9)
    assert result.first_sound_s == pytest.approx(begin / 1000)
    if result.underrun_s == 0 or result.longest_s > 1e-6:
        pauses_heard = pauses(lateness(arrived_ms / 1000, np.array(lengths_ms) * 16), buffer_ms / 1000)
        assert (pauses_heard > 1e-6).sum() == count
    assert result.continuity == pytest.approx(sum(lengths_ms) / (sum(lengths_ms) + silence))


TRACES = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0, 1), min_size=n, max_size=n).map(np.cumsum),
        st.lists(st.integers(1, 20_000), min_size=n, max_size=n).map(np.array),
    )
)


@given(TRACES)
def test_the_buffer_for_none_is_enough_and_the_least(trace):
    arrived, samples = trace
    need = playout(arrived, samples).buffer_for_none
    enough = playout(arrived, samples, need)
    assert (enough.underrun_s, enough.underruns, enough.continuity) == (0.0, 0, 1.0)
    if need > 1e-6:
        assert playout(arrived, samples, need * 0.99).underruns >= 1


@given(TRACES, st.floats(0, 0.5), st.floats(0, 0.5))
def test_more_buffer_never_starves_more_and_total_silence_is_what_the_buffer_lacks(trace, small, more):
    arrived, samples = trace
    less, greater = playout(arrived, samples, small), playout(arrived, samples, small + more)
    assert greater.underrun_s <= less.underrun_s + 1e-12
    assert greater.continuity >= less.continuity - 1e-12
    assert less.underrun_s == pytest.approx(max(0.0, less.buffer_for_none - small), abs=1e-9)


@given(TRACES, st.floats(0.01, 2))
def test_a_network_that_delays_every_chunk_alike_changes_the_start_only(trace, delay):
    arrived, samples = trace
    near, far = playout(arrived, samples), playout(arrived, samples, jitter=np.full(len(arrived), delay))
    assert far.underrun_s == pytest.approx(near.underrun_s, abs=1e-9)
    assert far.first_sound_s == pytest.approx(near.first_sound_s + delay)


@given(TRACES, st.integers(0, 5))
def test_chunks_are_played_in_order_however_the_network_delays_them(trace, seed):
    arrived, _ = trace
    times = delivered(arrived, network_delays(len(arrived), 0.2, draws=3, seed=seed))
    assert times.shape == (3, len(arrived))
    assert (np.diff(times, axis=1) >= 0).all()
    assert (times >= arrived).all()


def test_a_known_stream():
    # 1 s of audio a chunk; the second comes half a second late, the third in time for the player that waited
    result = playout(np.array([1.0, 2.5, 3.5]), np.array([16_000] * 3))
    assert result.underrun_s == pytest.approx(0.5)
    assert (result.underruns, result.longest_s, result.buffer_for_none) == (1, pytest.approx(0.5), pytest.approx(0.5))
    assert result.continuity == pytest.approx(3 / 3.5)
    assert playout(np.array([1.0, 2.5, 3.5]), np.array([16_000] * 3), 0.3).underrun_s == pytest.approx(0.2)


def test_jitter_is_the_interarrival_jitter_of_rfc_3550():
    delays = network_delays(50_000, 0.02)[0]
    estimate = 0.0
    for difference in np.abs(np.diff(delays)):  # the receiver's running estimate, RFC 3550 section 6.4.1
        estimate += (difference - estimate) / 16
    assert np.abs(np.diff(delays)).mean() == pytest.approx(0.02, rel=0.03)
    assert estimate == pytest.approx(0.02, rel=0.6)
    assert (network_delays(50_000, 0.02)[0] == delays).all()
    assert (network_delays(5, 0.0) == 0).all()


@pytest.mark.parametrize(
    "arguments",
    [([], []), ([0.1], [1, 2]), ([0.1], [100], -0.1), ([0.1], [100], 0.0, [-0.1]), ([0.1], [100], 0.0, [0.1, 0.1])],
)
def test_what_cannot_be_played_is_refused(arguments):
    with pytest.raises(ValueError):
        playout(*(np.array(a) if isinstance(a, list) else a for a in arguments))


def stream_of(works, hop, rate):
    """Chunks of ``hop`` tokens from work a push, on the harness's own clock at another token rate."""
    clock, rows, before = VirtualClock(), [], 0.0
    for number, seconds in enumerate(works, 1):
        clock.wait_for(number * 25 / rate)
        clock.work(seconds)
        if number % hop == 0:
            rows.append((clock.free_at, clock.worked - before, number))
            before = clock.worked
    return [np.array(column) for column in zip(*rows, strict=True)]


WORKS = st.lists(st.floats(0, 0.2), min_size=3, max_size=40)


@given(WORKS, st.integers(1, 3))
def test_retimed_at_its_own_rate_a_trace_is_itself(works, hop):
    arrived, compute, tokens = stream_of(works, hop, 25)
    np.testing.assert_allclose(retime(arrived, compute, tokens, tokens_per_second=25), arrived, atol=1e-9)


@given(WORKS, st.sampled_from([25.0, 50.0, 100.0, 200.0]))
def test_retimed_at_another_rate_a_trace_is_what_the_clock_gives_there(works, rate):
    arrived, compute, tokens = stream_of(works, 1, 25)
    expected = stream_of(works, 1, rate)[0]
    np.testing.assert_allclose(retime(arrived, compute, tokens, tokens_per_second=rate), expected, atol=1e-9)


@given(st.lists(st.floats(0, 0.01), min_size=4, max_size=40), st.integers(2, 4), st.sampled_from([50.0, 200.0]))
def test_work_done_while_tokens_come_moves_an_arrival_by_no_more_than_itself(works, hop, rate):
    if len(works) < hop:
        return
    arrived, compute, tokens = stream_of(works, hop, 25)
    expected = stream_of(works, hop, rate)[0]
    times = retime(arrived, compute, tokens, tokens_per_second=rate)
    early = np.cumsum(compute)
    assert (np.abs(times - expected) <= early + 1e-9).all()


@given(WORKS, st.floats(25, 100), st.floats(1, 4))
def test_faster_tokens_never_make_a_chunk_later(works, rate, factor):
    arrived, compute, tokens = stream_of(works, 2, 25)
    slower = retime(arrived, compute, tokens, tokens_per_second=rate)
    faster = retime(arrived, compute, tokens, tokens_per_second=rate * factor)
    assert (faster <= slower + 1e-9).all()
    assert (faster + 1e-9 >= np.cumsum(compute)).all()  # one worker does not do work faster than it takes


def test_rates_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        retime(np.zeros(1), np.zeros(1), np.ones(1), tokens_per_second=0)

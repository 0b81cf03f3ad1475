from __future__ import annotations

import dataclasses

import chunked
import numpy as np
import pytest
import rates
from hypothesis import given
from hypothesis import strategies as st

from harness.latency import latency_row, quarter_ratio
from harness.render import RenderError, VirtualClock, render
from harness.run import table_of
from streamflow.session import AudioChunk, StreamRequest


def request(tokens: int = 60) -> StreamRequest:
    """A second or more of a chirp: what is checked here does not depend on what is said."""
    time = np.arange(tokens * 640) / 16_000
    audio = (0.3 * np.sin(2 * np.pi * (200 + 300 * time) * time)).astype(np.float32)
    return StreamRequest("u1", np.zeros(4, np.float32), reference=audio, tokens=np.zeros((tokens, 2), np.int64))


@pytest.mark.parametrize(
    ("decoder", "part"),
    [
        (chunked.NotANumber, "holds nan at sample 5137"),
        (chunked.Gap, "(gap)"),
        (chunked.Overlap, "(overlap)"),
        (chunked.Empty, "is empty"),
        (chunked.Integers, "must be float32"),
        (chunked.Silent, "no audio for 60 tokens"),
        (chunked.YieldsNone, "is a NoneType"),
        (chunked.HalfLength, "yielded 0.32 s for 60 tokens, which are 2.40 s"),
    ],
)
def test_a_session_that_breaks_the_protocol_is_told_so_by_name(decoder, part):
    with pytest.raises(RenderError) as caught:
        render("mine", decoder, request())
    assert str(caught.value).startswith("mine, u1: ")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_decoder_has_its_own_rate_and_is_heard_at_16_khz():
    rendering = render("mine", rates.Beeps, request(50))
    assert rendering.sample_rate == 24_000 and len(rendering.samples) == 48_000
    assert [chunk.start_sample for chunk in rendering.trace] == [640 * i for i in range(50)]
    assert {chunk.samples for chunk in rendering.trace} == {640}
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    np.testing.assert_allclose(rendering.at_16_khz[200:-200], tone[200:-200], atol=1e-3)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16])
def test_a_rate_may_be_an_integer_of_numpy(kind):
    class Read(rates.Beeps):
        rate = kind(24_000)

    rendering, plain = (render("mine", decoder, request(50)) for decoder in (Read, rates.Beeps))
    assert type(rendering.sample_rate) is int and rendering.sample_rate == 24_000
    np.testing.assert_array_equal(rendering.samples, plain.samples)
    assert [(c.start_sample, c.samples) for c in rendering.trace] == [(c.start_sample, c.samples) for c in plain.trace]


def test_tokens_come_at_the_requests_rate():
    fifty = dataclasses.replace(request(50), tokens_per_second=50.0)
    rendering = render("mine", rates.Beeps, fifty)
    assert len(rendering.samples) == 24_000 and rendering.duration_s == 1.0
    assert all(chunk.arrived_s >= chunk.tokens_in / 50 for chunk in rendering.trace)
    assert latency_row(rendering, None, declared=False)["algorithmic_latency_s"] == 1 / 50


@pytest.mark.parametrize(
    ("decoder", "part"),
    [
        (rates.Wavers, "chunk 1 is of 16000 Hz, the first one of 24000; every chunk of a session must be of one rate"),
        (rates.Whispers, "chunk 0 is of 400 Hz; every chunk"),
        (rates.Flag, "chunk 0 is of True Hz; every chunk"),
    ],
)
def test_a_rate_that_changes_or_cannot_be_is_refused(decoder, part):
    with pytest.raises(RenderError) as caught:
        render("mine", decoder, request())
    assert part in str(caught.value)


def test_a_session_that_fails_is_cancelled_and_its_own_error_comes_out():
    opened = []

    def decoder(request):
        opened.append(chunked.Raises(request))
        return opened[0]

    with pytest.raises(IndexError):
        render("mine", decoder, request())
    assert len(opened[0].audio) == 0  # as cancel() leaves it


def test_chunks_become_one_recording_and_a_trace_of_it():
    rendering = render("mine", chunked.Resynthesis, request(60))
    assert rendering.samples.shape == (60 * 640,)
    np.testing.assert_allclose(rendering.samples, request(60).reference, atol=0.02)
    assert [chunk.start_sample for chunk in rendering.trace] == [i * 5120 for i in range(8)]
    assert [chunk.samples for chunk in rendering.trace] == [5120] * 7 + [2560]
    assert [chunk.tokens_in for chunk in rendering.trace] == [8, 16, 24, 32, 40, 48, 56, 60]


def test_a_decoder_that_reuses_its_buffer_does_not_change_what_it_gave():
    class Reuses(chunked.Resynthesis):
        buffer = np.zeros(5120, np.float32)

        def chunk(self, count):
            chunk = super().chunk(count)
            self.buffer[: count * 640] = chunk.samples
            return AudioChunk(chunk.start_sample, self.buffer[: count * 640])

    expected = render("mine", chunked.Resynthesis, request()).samples
    np.testing.assert_array_equal(render("mine", Reuses, request()).samples, expected)


def test_lists_and_none_are_as_good_as_generators():
    class Lists(chunked.Resynthesis):
        def push(self, tokens):
            return list(super().push(tokens)) or None

    assert len(render("mine", Lists, request()).trace) == 8


def test_the_trace_accounts_for_all_work_and_obeys_the_clock():
    rendering = render("mine", chunked.Slow, request(60))
    trace = rendering.trace
    assert sum(chunk.compute_s for chunk in trace) == pytest.approx(rendering.work_s, abs=1e-3)
    assert all(chunk.compute_s >= 0.03 for chunk in trace)
    before = 0.0
    for chunk in trace:
        assert chunk.arrived_s >= max(chunk.tokens_in / 25, before) + 0.03
        assert chunk.arrived_s <= max(chunk.tokens_in / 25, before) + chunk.compute_s + 1e-9
        assert chunk.dit_s + chunk.vocoder_s + chunk.other_s == pytest.approx(chunk.compute_s)
        before = chunk.arrived_s


def test_latency_of_a_known_decoder_comes_out():
    row = latency_row(render("mine", chunked.Slow, request(60)), None, declared=False)
    assert row["first_packet_s"] == pytest.approx(0.03, abs=0.02)
    assert row["chunk_p50_s"] == pytest.approx(0.03, abs=0.02)
    assert row["rtf"] == pytest.approx(8 * 0.03 / 2.4, rel=0.5)
    assert row["dit_s"] == pytest.approx(0.24)
    assert row["duration_s"] == pytest.approx(2.4)
    assert row["algorithmic_latency_s"] == pytest.approx(8 / 25)  # not declared: from the trace
    assert row["chunk_p95_s"] is None  # 8 chunks have no 95th percentile
    assert row["peak_memory_mb"] > 10


def test_a_declared_latency_is_believed_and_none_means_the_whole_utterance():
    rendering = render("mine", chunked.Resynthesis, request(60))
    assert latency_row(rendering, 0.2, declared=True)["algorithmic_latency_s"] == 0.2
    assert latency_row(rendering, None, declared=True)["algorithmic_latency_s"] is None


def test_peak_memory_is_of_this_rendering_not_of_the_one_before():
    class Hungry(chunked.Resynthesis):
        def finish(self):
            np.ones(40_000_000).sum()  # 320 MB for a moment
            yield from super().finish()

    hungry = render("hungry", Hungry, request()).peak_memory_mb
    modest = render("modest", chunked.Resynthesis, request()).peak_memory_mb
    assert hungry - modest > 250


WORK = st.lists(st.floats(0, 0.5), min_size=1, max_size=40)


@given(WORK)
def test_the_clock_never_runs_back_nor_ahead_of_tokens_or_work(works):
    clock, before = VirtualClock(), 0.0
    for number, seconds in enumerate(works, 1):
        clock.wait_for(number)
        clock.work(seconds)
        assert clock.free_at >= number / 25 + seconds - 1e-12
        assert clock.free_at >= before + seconds - 1e-12
        before = clock.free_at
    assert clock.free_at <= len(works) / 25 + sum(works) + 1e-9
    assert clock.worked == pytest.approx(sum(works))


@given(WORK)
def test_the_clock_agrees_with_the_closed_form_of_a_queue(works):
    clock = VirtualClock()
    for number, seconds in enumerate(works, 1):
        clock.wait_for(number)
        clock.work(seconds)
    # the last of the busy periods: it began when some token came, and has not paused since
    expected = max((k + 1) / 25 + sum(works[k:]) for k in range(len(works)))
    assert clock.free_at == pytest.approx(expected)


@given(st.lists(st.floats(0, 0.039), min_size=1, max_size=40))
def test_a_decoder_faster_than_real_time_is_never_late_by_more_than_one_push(works):
    clock = VirtualClock()
    for number, seconds in enumerate(works, 1):
        clock.wait_for(number)
        clock.work(seconds)
        assert clock.free_at == pytest.approx(number / 25 + seconds)


def trace_of(compute_s: list[float]):
    rows = [
        dict.fromkeys(("arrived_s", "dit_s", "vocoder_s", "other_s"), 0.0)
        | {
            "system": "s",
            "utterance": "u",
            "seed": 0,
            "index": i,
            "start_sample": 3840 * i,
            "seam_sample": 3840 * i,
            "samples": 3840,
        }
        | {"tokens_in": 6 * i, "compute_s": seconds}
        for i, seconds in enumerate(compute_s)
    ]
    rows[-1]["samples"] = 1000
    return table_of("traces", rows)


def test_quarter_ratio_is_one_when_flat_whatever_the_first_and_last_chunk_took():
    assert quarter_ratio(trace_of([9.0] + [0.1] * 20 + [7.0])) == pytest.approx(1.0)


def test_quarter_ratio_of_linear_growth_is_its_ratio():
    times = [0.0] + [float(i) for i in range(1, 41)] + [0.0]
    assert quarter_ratio(trace_of(times)) == pytest.approx(35.5 / 5.5)


def test_quarter_ratio_of_a_short_utterance_is_not_known():
    assert quarter_ratio(trace_of([0.1] * 6)) is None

"""A replay against a player that is simulated sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.errors import StudyError
from listening_tests.stimuli.arrival import Arrived, moved, replay, trace_of

RATE = 1000


def player(samples: np.ndarray, trace: list[Arrived]) -> list[float]:
    """At every tick play the next sample if its chunk has arrived by then, and silence if not."""
    arrival = np.concatenate([np.full(chunk.samples, chunk.arrived_s) for chunk in trace])
    heard, next_sample = [], 0
    while next_sample < len(samples):
        if len(heard) / RATE >= arrival[next_sample] - 1e-9:
            heard.append(samples[next_sample])
            next_sample += 1
        else:
            heard.append(0.0)
    return heard


@st.composite
def traces(draw) -> list[Arrived]:
    found, start, at = [], 0, 0.0
    for _ in range(draw(st.integers(1, 8))):
        samples = draw(st.integers(1, 300))
        at += draw(st.sampled_from([0.0, 0.0005, 0.1, 0.3])) + draw(st.floats(0, 0.4))
        found.append(Arrived(start, samples, at))
        start += samples
    return found


@given(trace=traces())
@settings(max_examples=150, deadline=None)
def test_replay_is_what_a_player_plays(trace):
    samples = np.arange(1.0, trace[-1].start_sample + trace[-1].samples + 1)
    heard = replay(samples, RATE, trace)
    assert heard.samples.tolist() == player(samples, trace)
    silent = int(np.sum(heard.samples == 0))
    assert heard.first_audio_s * RATE + heard.stall_s * RATE == pytest.approx(silent)
    assert heard.samples[heard.samples > 0].tolist() == samples.tolist()
    assert heard.duration_s == len(heard.samples) / RATE


@given(trace=traces(), share=st.floats(0, 0.999))
@settings(max_examples=50, deadline=None)
def test_places_move_with_their_samples(trace, share):
    total = trace[-1].start_sample + trace[-1].samples
    samples, place = np.arange(1.0, total + 1), int(share * total)
    heard = replay(samples, RATE, trace)
    (there,) = moved([place], trace, heard.starts)
    assert heard.samples[there] == samples[place]


def test_delay_and_stalls_are_those_of_the_trace():
    trace = [Arrived(0, 200, 0.5), Arrived(200, 200, 0.6), Arrived(400, 100, 1.25)]
    heard = replay(np.ones(500), RATE, trace)
    assert heard.first_audio_s == 0.5
    assert heard.stalls == ((0.9, pytest.approx(0.35)),)
    assert heard.facts() == {
        "first_audio_s": 0.5, "stalls": [[0.9, pytest.approx(0.35)]], "stall_s": pytest.approx(0.35),
        "duration_s": pytest.approx(1.35),
    }  # fmt: skip


def test_a_stream_that_keeps_ahead_has_no_stall():
    trace = [Arrived(0, 1000, 0.2), Arrived(1000, 1000, 1.2), Arrived(2000, 1000, 1.3)]
    heard = replay(np.ones(3000), RATE, trace)
    assert heard.stalls == () and heard.stall_s == 0 and heard.duration_s == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        ([Arrived(0, 5, 0.1)], "5 samples but the audio has 10"),
        ([Arrived(0, 5, 0.1), Arrived(6, 4, 0.2)], "begins at 6, not 5"),
        ([Arrived(0, 5, 0.3), Arrived(5, 5, 0.2)], "arrived at 0.2 s, before 0.3"),
        ([Arrived(0, 10, float("nan"))], "nan"),
        ([], "0 samples"),
    ],
)
def test_a_trace_of_something_else_is_refused(trace, said):
    with pytest.raises(StudyError, match=said):
        replay(np.ones(10), RATE, trace)


def test_trace_of_a_run_is_in_order_and_missing_ones_are_named(run):
    rows = run.traces().sample(frac=1, random_state=0)
    chunks = trace_of(rows, "secretstream", "flite_slt_1")
    assert [chunk.start_sample for chunk in chunks] == [8000 * index for index in range(len(chunks))]
    with pytest.raises(StudyError, match="naive has no trace of flite_awb_3"):
        trace_of(rows, "naive", "flite_awb_3")

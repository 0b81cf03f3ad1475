"""The engine with real processes: what is told, to whom, and what becomes of jobs that end otherwise."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from harness.corpus import SHIPPED, load_corpus
from harness.live import events, process
from harness.live.engine import LiveEngine
from harness.live.errors import LiveError, UnknownJobError
from harness.live.levels import loudness_of
from harness.live.limits import Limits
from harness.live.view import View
from harness.systems import SystemSpec
from streamflow.audio import load_audio
from streamflow.checkpoints import Bundle
from streamflow.session import StreamRequest
from streamflow.strategies import make_system

NAMES = ("flite_awb_1", "espeak_en-gb_1")


def view(*systems: str, rate: float = 0.0, **fields) -> View:
    specs = tuple(SystemSpec(name, name) for name in systems or ("streamflow-sr",))
    source = {} if "upload" in fields else {"utterance": NAMES[0]}
    return View(specs, checkpoint="tiny", tokens_per_second=rate, **{**source, **fields})


def endless() -> View:
    """Tokens come so slowly that nobody waits for the end: minutes, in which another process loads on any machine."""
    return view("naive", "streamflow-sr", "causal", "window", "streamflow-lr", rate=5.0, utterance="flite_rms_2")


def kinds(told: list[dict]) -> list[str]:
    return [event["kind"] for event in told]


def until(engine: LiveEngine, job: str, visitor: str, kind: str) -> dict:
    """Wait for an event of a kind."""
    return next(event for event in engine.events(job, visitor) if event["kind"] == kind)


def process_of(engine: LiveEngine, job: str) -> int:
    return engine._running[job].pid


@pytest.fixture(scope="module")
def finished(engine):
    """One job that went all the way: its id and its events."""
    job = engine.submit(view("naive", "streamflow-sr"), "anna")
    return job, [event for event in engine.events(job, "anna") if event["kind"] != events.ALIVE]


def test_a_job_tells_everything_in_order(finished):
    _, told = finished
    json.dumps(told, allow_nan=False)
    assert [event["number"] for event in told] == list(range(len(told)))
    for event in told:
        assert set(event) - {"kind", "number"} == set(events.FIELDS[event["kind"]])
    assert kinds(told)[-1] == events.FINISHED
    order = [event["system"] for event in told if event["kind"] == events.SYSTEM]
    assert order == ["naive", "streamflow-sr", "copy-synthesis", "tokenizer"]
    assert [event["control"] for event in told if event["kind"] == events.SYSTEM] == [False, False, True, True]
    assert [event["system"] for event in told if event["kind"] == events.RENDERED] == order
    scored = [{row["system"] for row in event["rows"]} for event in told if event["kind"] == events.SCORES]
    assert scored == [{name} for name in order]


def test_chunks_are_the_audio_piece_by_piece(engine, finished):
    job, told = finished
    for name in ("naive", "streamflow-sr"):
        chunks = [event for event in told if event["kind"] == events.CHUNK and event["system"] == name]
        assert len(chunks) > 3
        pcm = b"".join(base64.b64decode(chunk["pcm"]) for chunk in chunks)  # int16, little-endian
        pieces = np.frombuffer(pcm, "<i2") / 32767
        np.testing.assert_allclose(pieces, engine.audio(job, "anna", name), atol=1 / 32767)
        starts = np.cumsum([0, *(chunk["samples"] for chunk in chunks)])
        assert [chunk["start_sample"] for chunk in chunks] == list(starts[:-1])


def test_what_is_decoded_live_is_what_the_strategy_decodes(engine, finished, checkpoints):
    job, _ = finished
    bundle = Bundle(checkpoints / "tiny")
    recording = load_audio(
        engine.corpus.utterances[[u.utterance_id for u in engine.corpus.utterances].index(NAMES[0])].path
    )
    tokens = bundle.tokenize(recording)
    session = make_system("streamflow-sr", bundle)(StreamRequest("x", bundle.embed_speaker(recording)))
    chunks = [chunk for token in tokens for chunk in session.push(token[None])] + list(session.finish())
    alone = np.concatenate([chunk.samples for chunk in chunks])
    np.testing.assert_allclose(engine.audio(job, "anna", "streamflow-sr"), alone, atol=1e-5)
    np.testing.assert_array_equal(engine.audio(job, "anna", "reference"), recording)


def test_the_result_holds_what_the_events_told(engine, finished):
    job, told = finished
    result = engine.result(job, "anna")
    assert list(result.renderings) == ["naive", "streamflow-sr", "copy-synthesis", "tokenizer"]
    assert result.view == view("naive", "streamflow-sr")
    assert result.text and not result.failed
    one = result.renderings["naive"]
    assert one.seams == tuple(sorted({row["seam_sample"] for row in one.trace} - {0}))
    assert all(0 < seam < len(one.samples) for seam in one.seams)
    assert {row["metric"] for row in one.scores} >= {"pesq_wb", "speaker_similarity_ceiling"}
    assert one.latency["first_packet_s"] == next(
        event["first_packet_s"] for event in told if event["kind"] == events.RENDERED and event["system"] == "naive"
    )
    parts = one.latency["first_packet_parts"]
    assert parts["dit_s"] + parts["vocoder_s"] + parts["other_s"] == pytest.approx(one.latency["first_packet_s"])
    assert len(one.f0_hz) == pytest.approx(len(one.samples) / 80, abs=2)
    assert len(result.reference_f0_hz) and np.isfinite(result.reference_f0_hz).any()


def test_gains_bring_every_system_to_the_loudness_of_the_recording(engine, finished):
    job, _ = finished
    result = engine.result(job, "anna")
    for name, one in result.renderings.items():
        played = one.samples * 10 ** (one.gain_db / 20)
        assert np.abs(played).max() <= 0.991, name
        assert loudness_of(played) <= loudness_of(result.reference) + 0.05
    copied = result.renderings["copy-synthesis"]
    assert copied.control


def test_a_ceiling_has_no_first_packet(engine, finished):
    job, told = finished
    for event in told:
        if event["kind"] == events.RENDERED:
            control = event["system"] in ("copy-synthesis", "tokenizer")
            assert (event["first_packet_s"] is None) == (event["first_packet_parts"] is None) == control
    assert engine.result(job, "anna").renderings["tokenizer"].latency["first_packet_s"] is None


def test_a_second_follower_and_one_who_comes_again_see_the_same(engine, finished):
    job, told = finished
    assert list(engine.events(job, "anna")) == told
    assert list(engine.events(job, "anna", start=7)) == told[7:]
    assert list(engine.events(job, "anna", start=10**6)) == []


def test_nobody_else_sees_a_job(engine, finished):
    job, _ = finished
    for act in (engine.events, engine.cancel, engine.result):
        with pytest.raises(UnknownJobError, match="not there"):
            act(job, "berta")
    with pytest.raises(UnknownJobError):
        engine.audio(job, "berta", "naive")
    with pytest.raises(LiveError, match="not rendered"):
        engine.audio(job, "anna", "full")


def test_followers_of_a_running_job_all_get_it_as_it_comes(quick):
    job = quick.submit(view(), "anna")
    seen: list[list[dict]] = [[], []]

    def follow(into: list[dict]) -> None:
        into.extend(event for event in quick.events(job, "anna") if event["kind"] != events.ALIVE)

    threads = [threading.Thread(target=follow, args=(into,)) for into in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert seen[0] == seen[1]
    assert kinds(seen[0])[-1] == events.FINISHED


def test_visitors_take_turns_and_are_told_their_place(quick):
    first = quick.submit(endless(), "anna")
    until(quick, first, "anna", events.STARTED)
    second, third = quick.submit(endless(), "anna"), quick.submit(endless(), "anna")
    other = quick.submit(view(), "berta")
    with pytest.raises(LiveError, match="cancel one"):
        quick.submit(view(), "anna")
    assert until(quick, other, "berta", events.QUEUED)["place"] == 1  # after one of anna's, before her next
    quick.cancel(second, "anna")
    quick.cancel(first, "anna")
    assert kinds(list(quick.events(second, "anna")))[-1] == events.CANCELLED
    quick.cancel(third, "anna")
    told = [event for event in quick.events(other, "berta") if event["kind"] != events.ALIVE]
    assert kinds(told)[-1] == events.FINISHED
    assert kinds(list(quick.events(first, "anna")))[-1] == events.CANCELLED
    assert events.STARTED not in kinds(list(quick.events(second, "anna")))


def test_a_cancelled_decode_ends_in_the_middle_and_the_process_lives_on(quick):
    before = quick.submit(view(), "anna")
    list(quick.events(before, "anna"))
    job = quick.submit(endless(), "anna")
    until(quick, job, "anna", events.CHUNK)
    quick.cancel(job, "anna")
    told = list(quick.events(job, "anna"))
    assert kinds(told)[-1] == events.CANCELLED
    assert events.RENDERED not in kinds(told)
    quick.cancel(job, "anna")  # again: nothing happens
    after = quick.submit(view(), "anna")
    assert kinds(list(quick.events(after, "anna")))[-1] == events.FINISHED


def test_a_process_that_is_killed_costs_its_job_one_line_and_no_other(quick):
    job = quick.submit(endless(), "anna")
    waiting = quick.submit(view(), "berta")
    until(quick, job, "anna", events.CHUNK)
    os.kill(process_of(quick, job), signal.SIGKILL)
    last = list(quick.events(job, "anna"))[-1]
    assert last["kind"] == events.BROKEN
    assert last["error"] == "the decoding process ended (SIGKILL); decode again"
    assert kinds(list(quick.events(waiting, "berta")))[-1] == events.FINISHED


def test_a_job_that_takes_too_long_is_ended(checkpoints, engine):
    brief = LiveEngine(engine.corpus, checkpoints, Limits(running=1, niceness=0, job_s=0.5))
    try:
        job = brief.submit(endless(), "anna")
        last = list(brief.events(job, "anna"))[-1]
        assert last["kind"] == events.BROKEN
        assert "longer than 0.5 s" in last["error"]
    finally:
        brief.close()


def test_a_recording_can_be_taken_back_while_its_process_still_loads(checkpoints, monkeypatch):
    loads = [sys.executable, "-c", "import time; time.sleep(600)"]  # it never reads: a long recording fills the pipe
    start = subprocess.Popen
    monkeypatch.setattr(process.subprocess, "Popen", lambda command, **rest: start(loads, **rest))
    engine = LiveEngine(load_corpus(SHIPPED), checkpoints, Limits(running=1, niceness=0))
    samples = np.random.default_rng(0).normal(0, 0.1, 20 * 16_000).astype(np.float32)
    job = engine.submit(view("naive", upload="mine"), "anna", samples)
    until(engine, job, "anna", events.STARTED)
    cancelling = threading.Thread(target=engine.cancel, args=(job, "anna"), daemon=True)
    cancelling.start()
    cancelling.join(300)
    assert not cancelling.is_alive()
    assert kinds(list(engine.events(job, "anna")))[-1] == events.CANCELLED
    engine.close()


def test_who_waits_for_a_process_to_load_hears_how_far_it_is(checkpoints, engine):
    made = LiveEngine(engine.corpus, checkpoints, Limits(running=1, niceness=0), metrics=("duration_ratio",))
    try:
        first, second = (
            [
                event
                for event in made.events(made.submit(view("naive"), "anna"), "anna")
                if event["kind"] != events.ALIVE
            ]
            for _ in range(2)
        )
        stages = [[event["stage"] for event in told if event["kind"] == events.PROGRESS] for told in (first, second)]
        assert kinds(first)[:4] == [events.QUEUED, events.STARTED, events.PROGRESS, events.PROGRESS]
        steps = [event["done"] for event in first if event.get("stage") == events.START]
        assert steps == sorted(steps) and steps[-1] > 1
        assert stages[0].index("prepare") == len(steps)
        assert events.START not in stages[1]  # it has loaded
    finally:
        made.close()


def test_what_else_the_machine_does_is_told_when_it_changes(checkpoints, engine):
    jobs = iter([2, 2, 0])
    made = LiveEngine(
        engine.corpus,
        checkpoints,
        Limits(running=1, niceness=0),
        metrics=("duration_ratio",),
        background=lambda: next(jobs, 0),
    )
    try:
        told = list(made.events(made.submit(view("naive"), "anna"), "anna"))
        beside = [(event["jobs"], event["decodes"]) for event in told if event["kind"] == events.BESIDE]
        assert beside == [(2, 0), (0, 0)]
        assert kinds(told).index(events.BESIDE) < kinds(told).index(events.SYSTEM)
    finally:
        made.close()


def test_two_decodes_at_once_are_told_of_each_other(checkpoints, engine):
    made = LiveEngine(engine.corpus, checkpoints, Limits(running=2, niceness=0), metrics=("duration_ratio",))
    try:
        long = made.submit(endless(), "anna")
        until(made, long, "anna", events.CHUNK)
        told = list(made.events(made.submit(view("naive"), "berta"), "berta"))
        assert [event["decodes"] for event in told if event["kind"] == events.BESIDE] == [1]
        made.cancel(long, "anna")
    finally:
        made.close()


def test_closing_ends_every_job_for_those_who_follow(checkpoints, engine):
    made = LiveEngine(engine.corpus, checkpoints, Limits(running=1, niceness=0))
    jobs = [made.submit(endless(), "anna") for _ in range(2)]
    until(made, jobs[0], "anna", events.STARTED)
    made.close()
    assert [list(made.events(job, "anna"))[-1]["kind"] for job in jobs] == [events.CANCELLED] * 2
    with pytest.raises(LiveError, match="closing"):
        made.submit(view(), "anna")


def test_an_upload_is_decoded_like_any_recording(engine):
    samples = load_audio(engine.corpus.utterances[0].path)
    job = engine.submit(view(upload="mine"), "anna", upload=samples)
    told = list(engine.events(job, "anna"))
    assert kinds(told)[-1] == events.FINISHED
    np.testing.assert_array_equal(engine.audio(job, "anna", "reference"), samples)
    rows = engine.result(job, "anna").renderings["streamflow-sr"].scores
    ceiling = next(row for row in rows if row["metric"] == "speaker_similarity_ceiling")
    assert ceiling["value"] is None and ceiling["unscored_because"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (view(utterance="nobody_1"), "utterance=nobody_1"),
        (View((SystemSpec("full", "full"),), utterance=NAMES[0], checkpoint="smal"), "did you mean 'small'"),
        (View((), utterance=NAMES[0]), "tick at least one"),
        (view(upload="gone"), "upload=gone"),
        (View(tuple(SystemSpec(f"s{n}", "naive") for n in range(9)), utterance=NAMES[0]), "at most 8"),
        (View((SystemSpec("w", "causal", parameters={"cached": False}),), utterance=NAMES[0], checkpoint="x"), "x"),
    ],
)
def test_what_cannot_be_decoded_is_refused_before_anybody_waits(quick, wrong, why):
    with pytest.raises(LiveError, match=why):
        quick.submit(wrong, "anna")


def test_finished_jobs_are_forgotten_when_there_are_many(engine, checkpoints):
    made = LiveEngine(
        engine.corpus, checkpoints, Limits(running=1, niceness=0, kept_per_visitor=1, queued_per_visitor=9)
    )
    try:
        jobs = [made.submit(endless(), "anna") for _ in range(3)]
        for job in reversed(jobs):
            made.cancel(job, "anna")
            list(made.events(job, "anna"))
        made.submit(view(), "berta")
        alive = []
        for job in jobs:
            try:
                alive.append(made.events(job, "anna") and job)
            except UnknownJobError:
                continue
        assert len(alive) == 1
    finally:
        made.close()


def test_uploads_take_room_from_finished_jobs(checkpoints, engine):
    recording = (SHIPPED.parent / f"{NAMES[0]}.flac").read_bytes()
    held = load_audio(SHIPPED.parent / f"{NAMES[0]}.flac").nbytes / 1e6
    for uploaded in (False, True):
        made = LiveEngine(engine.corpus, checkpoints, Limits(running=0, kept_mb=held + 0.0005))
        job = made.submit(view(), "anna")  # two events: twice as much as is left beside an upload
        made.cancel(job, "anna")
        if uploaded:
            made.add_upload("berta", recording)
        made.submit(view(), "carl")  # sweeps
        if uploaded:
            with pytest.raises(UnknownJobError):
                made.events(job, "anna")
        else:
            assert kinds(list(made.events(job, "anna"))) == [events.QUEUED, events.CANCELLED]
        made.close()

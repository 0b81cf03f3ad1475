"""Live decodes of weights at 24 kHz whose tokens come with the manifest."""

from __future__ import annotations

import base64
import csv

import numpy as np
import pytest

from harness.corpus import load_corpus
from harness.live.decoding import KEEP, Decoder
from harness.live.engine import LiveEngine
from harness.live.errors import LiveError
from harness.live.limits import Limits
from harness.live.tasks import Task
from harness.live.view import View
from harness.live.wire import unpacked
from streamflow.errors import StreamflowError

from ..test_given_tokens import SYSTEM, change, checkpoint, corpus  # noqa: F401


def test_a_24_khz_decoder_is_played_and_kept_at_16_khz(corpus, checkpoint):  # noqa: F811
    row = next(csv.DictReader(corpus.open(newline="")))
    tokens = np.load(corpus.parent / row["tokens"])
    told: list[dict] = []
    Decoder(told.append).carry_out(
        Task(
            name=row["utterance_id"],
            bundle=str(checkpoint),
            systems=[{"name": "sr", "strategy": SYSTEM.strategy, "parameters": SYSTEM.parameters, "control": False}],
            seed=0,
            rate=0.0,
            recording=str(corpus.parent / row["path"]),
            tokens=str(corpus.parent / row["tokens"]),
            voice="Chelsie",
            metrics=["duration_ratio"],
        )
    )
    assert told[-1]["kind"] == "finished", told[-1]
    chunks = [event for event in told if event["kind"] == "chunk"]
    rendered = next(event for event in told if event["kind"] == "rendered")
    exact = next(unpacked(event["samples"]) for event in told if event["kind"] == KEEP and event["system"] == "sr")
    played = np.frombuffer(b"".join(base64.b64decode(event["pcm"]) for event in [*chunks, rendered]), "<i2") / 32767
    assert rendered["samples"] == len(exact) == len(tokens) * 320 == sum(event["samples"] for event in chunks)
    np.testing.assert_allclose(played, np.clip(exact, -1, 1), atol=0.01)
    assert rendered["algorithmic_latency_s"] == pytest.approx(0.4)
    assert rendered["first_packet_parts"]["waited_s"] == pytest.approx(0.4)
    assert chunks[0]["tokens_in"] == 20 and chunks[0]["tokens_per_second"] == 50


@pytest.fixture
def engine(corpus, checkpoint):  # noqa: F811
    made = LiveEngine(
        load_corpus(corpus), checkpoint.parent, Limits(running=1, niceness=0), metrics=("duration_ratio",)
    )
    yield made
    made.close()


def test_a_job_holds_tokens_and_voice_and_no_control(engine, corpus):  # noqa: F811
    row = next(csv.DictReader(corpus.open(newline="")))
    job = engine.submit(View((SYSTEM,), utterance=row["utterance_id"], checkpoint="qwen"), "me")
    task = engine._job(job, "me").task
    engine.cancel(job, "me")
    assert task.tokens == str(corpus.parent / row["tokens"]) and task.voice == "Chelsie"
    # both controls need the tokenizer that these weights lack
    assert [system["name"] for system in task.systems] == ["sr"]


def test_tokens_come_at_the_checkpoints_rate_unless_another_is_asked_for(engine, corpus):  # noqa: F811
    row = next(csv.DictReader(corpus.open(newline="")))
    for asked, rate in ((None, 50.0), (25.0, 25.0), (0.0, 0.0)):
        view = View((SYSTEM,), utterance=row["utterance_id"], checkpoint="qwen", tokens_per_second=asked)
        job = engine.submit(view, "me")
        assert engine._job(job, "me").task.rate == rate
        engine.cancel(job, "me")


def test_what_has_no_tokens_is_refused_before_it_waits(engine, corpus, checkpoint):  # noqa: F811
    with pytest.raises(LiveError, match="checkpoint=qwen: takes tokens and voice from the manifest"):
        engine.submit(View((SYSTEM,), upload="mine", checkpoint="qwen"), "me", np.zeros(16_000, np.float32))
    row = next(csv.DictReader(corpus.open(newline="")))
    change(corpus, tokens="")
    engine.corpus = load_corpus(corpus)
    with pytest.raises(StreamflowError, match="has no tokens, and qwen has no tokenizer"):
        engine.submit(View((SYSTEM,), utterance=row["utterance_id"], checkpoint="qwen"), "me")

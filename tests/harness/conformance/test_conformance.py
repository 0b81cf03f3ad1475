"""Each check lets a sound decoder pass and finds the one defect that it is there for."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.conformance import CHECKS, Subject, check_conformance
from harness.conformance.checks.cost import chunk_times, judge
from streamflow.checkpoints import Bundle
from streamflow.errors import StreamflowError
from streamflow.session import AudioChunk, StreamRequest
from streamflow.strategies import STRATEGIES, make_system
from streamflow.tiny import make_tiny_bundle

CODEBOOK, HOP, AHEAD, TOKEN = 100, 4, 2, 640
UNTIMED = [check.name for check in CHECKS if check.name != "cost"]  # that one is a matter of the machine too
CONTROLS = ("copy-synthesis", "tokenizer")


class Sound:
    """A decoder without a fault: each token's level shapes its 640 samples, mixed with that of two tokens later."""

    latency_s = (HOP + AHEAD) / 25
    shared: list[np.ndarray] = []  # noqa: RUF012 (what the defect of one below shares)

    def __init__(self, request: StreamRequest) -> None:
        self.request, self.tokens, self.sent, self.ended = request, [], 0, threading.Event()

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        if tokens.shape[1] != 2 or (tokens.size and not (tokens.min() >= 0 and tokens.max() < CODEBOOK)):
            raise StreamflowError(f"tokens {tokens.shape} are not of this codebook")
        if self.ended.is_set():
            raise StreamflowError("ended")
        self.tokens += [int(token.sum()) for token in tokens]
        return self.emit(len(self.tokens) - AHEAD)

    def emit(self, ready: int) -> Iterator[AudioChunk]:
        while self.sent + HOP <= ready and not self.ended.is_set():
            yield self.chunk(HOP)

    def chunk(self, count: int) -> AudioChunk:
        start = self.sent
        self.sent += count
        return AudioChunk(start * TOKEN, np.concatenate([self.samples(at) for at in range(start, start + count)]))

    def samples(self, at: int) -> np.ndarray:
        later = self.tokens[min(at + AHEAD, len(self.tokens) - 1)]
        noise = np.random.default_rng([self.request.seed, at]).uniform(-1, 1, TOKEN)
        return ((self.tokens[at] + 0.5 * later) / 400 * noise).astype(np.float32)

    def finish(self) -> Iterator[AudioChunk]:
        if self.ended.is_set():
            return
        self.ended.set()
        while self.sent < len(self.tokens):
            yield self.chunk(min(HOP, len(self.tokens) - self.sent))

    def cancel(self) -> None:
        self.ended.set()


class Gap(Sound):
    def chunk(self, count):
        made = super().chunk(count)
        return AudioChunk(made.start_sample + (1 if made.start_sample else 0), made.samples)


class Loud(Sound):
    def samples(self, at):
        return super().samples(at) + np.float32(2.0 * (at == 3))


class FreshNoise(Sound):
    draws = itertools.count()

    def samples(self, at):
        return super().samples(at) + np.float32(1e-3 * (next(self.draws) % 7))


class PackedTogether(Sound):
    def push(self, tokens):
        found = list(super().push(tokens))
        if len(found) > 1:  # what a push completes is smoothed as one
            found[0] = AudioChunk(found[0].start_sample, found[0].samples * np.float32(0.99))
        return found


class SharedState(Sound):
    def samples(self, at):
        made = super().samples(at)
        previous = self.shared[-1][:1] if self.shared and at else np.zeros(1, np.float32)
        self.shared.append(made)
        return made + 0.1 * previous


class Peeking(Sound):
    def samples(self, at):
        recording = self.request.reference
        return recording[at * TOKEN :][:TOKEN] if len(recording) >= (at + 1) * TOKEN else super().samples(at)


class Understated(Sound):
    latency_s = (HOP + AHEAD - 1) / 25


class Repeating(Sound):
    def finish(self):
        self.ended.clear()
        yield from super().finish()
        self.sent = max(0, self.sent - 1)


class Losing(Sound):
    """Forgets what is shorter than a hop."""

    def finish(self):
        self.ended.set()
        while self.sent + HOP <= len(self.tokens):
            yield self.chunk(HOP)


class Deaf(Sound):
    def cancel(self):
        pass


class Lenient(Sound):
    def push(self, tokens):
        return super().push(np.clip(tokens[:, :2], 0, CODEBOOK - 1))


DEFECTS = {
    Gap: "chunks", Loud: "chunks", FreshNoise: "repeating", PackedTogether: "packing", SharedState: "interleaving",
    Peeking: "leaking", Understated: "causality", Repeating: "ending", Losing: "ending", Deaf: "cancelling",
    Lenient: "bad input",
}  # fmt: skip


def requests(codebook: int = CODEBOOK, counts: tuple[int, int] = (83, 70)) -> list[StreamRequest]:
    random, found = np.random.default_rng(5), []
    for name, count in zip(("first", "second"), counts, strict=True):
        tokens = random.integers(0, codebook, (count, 2))
        recording = random.uniform(-0.5, 0.5, count * TOKEN).astype(np.float32)
        speaker = random.standard_normal(16).astype(np.float32)
        found.append(StreamRequest(name, speaker, 0, recording, recording, tokens))
    return found


def subject(decoder: type[Sound]) -> Subject:
    return Subject(decoder, requests(), decoder.latency_s)


def test_a_sound_decoder_holds_in_every_check():
    findings = list(check_conformance(subject(Sound), UNTIMED))
    assert [finding.check for finding in findings] == UNTIMED
    assert {finding.check: finding.said for finding in findings if finding.verdict != "holds"} == {}


@pytest.mark.parametrize(("decoder", "check"), DEFECTS.items(), ids=[decoder.__name__ for decoder in DEFECTS])
def test_a_defect_is_found_by_its_check(decoder, check):
    Sound.shared.clear()
    (finding,) = check_conformance(subject(decoder), [check])
    assert finding.verdict == "FAILS", finding.said


def test_the_first_failing_sample_is_named():
    (finding,) = check_conformance(subject(Loud), ["chunks"])
    assert finding.index is not None and 3 * TOKEN <= finding.index < 4 * TOKEN


def test_the_look_ahead_that_is_needed_is_measured():
    (finding,) = check_conformance(Subject(Sound, requests()), ["causality"])
    assert finding.verdict == "not applicable" and "after 6 tokens" in finding.said


def test_a_decoder_that_raises_fails_the_check_and_not_the_examination():
    class Broken(Sound):
        def finish(self):
            raise OSError("no such\nluck")

    findings = list(check_conformance(subject(Broken), ["chunks", "packing"]))
    assert [finding.verdict for finding in findings] == ["FAILS", "FAILS"]
    assert findings[0].said == "it raised OSError: no such luck"


def test_chunks_that_cost_the_same_hold_whatever_disturbs_one_repeat():
    steady, disturbed = [0.01] * 40, [0.01] * 30 + [0.5] * 10
    assert judge([disturbed, steady])[0] == "holds"


@given(st.integers(12, 200), st.floats(0.1, 1.0))
def test_chunks_that_cost_more_with_every_chunk_fail(count, slope):
    assert judge([[0.01 * (1 + slope * index) for index in range(count)]] * 2)[0] == "FAILS"


def test_the_work_of_each_chunk_is_measured():
    times = chunk_times(subject(Sound))
    assert len(times) == (500 - AHEAD) // HOP and min(times) > 0
    assert judge([times[:5]])[0] == "not applicable"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in CONTROLS])
def test_every_strategy_conforms(tiny, strategy):
    system = make_system(strategy, tiny)
    seen = Subject(system, requests(tiny.tokenizer.fsq.codebook_size, (38, 33)), system.algorithmic_latency_s)
    assert {one.check: one.said for one in check_conformance(seen, UNTIMED) if one.verdict == "FAILS"} == {}


@pytest.mark.slow
def test_the_verb_prints_what_holds_and_tells_by_its_exit_code(tmp_path: Path):
    plugin = Path(__file__).parents[1] / "plugins"
    command = [sys.executable, "-m", "harness.cli", "conformance", "chunked:Resynthesis", "--only", "leaking,chunks"]
    done = subprocess.run([*command, "--json", tmp_path / "found.json"], cwd=plugin, capture_output=True, text=True)
    assert done.returncode == 1 and "does not conform" in done.stderr
    assert {one["check"]: one["verdict"] for one in json.loads((tmp_path / "found.json").read_text())}[
        "leaking"
    ] == "FAILS"
    wrong = subprocess.run([*command[:4], "streamflow-sx"], cwd=plugin, capture_output=True, text=True)
    assert wrong.returncode == 2 and "did you mean streamflow-sr" in wrong.stderr.replace("'", "")

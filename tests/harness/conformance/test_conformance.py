"""Each check lets a sound decoder pass and finds the one defect that it is there for."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import app
from harness.conformance import CHECKS, Subject, check_conformance
from harness.conformance.checks.causality import places
from harness.conformance.checks.cost import ATTEMPTS, COUNT_GROWTH, OLD_S, SPAN_S, Streams, judge, measured
from streamflow.checkpoints import Bundle
from streamflow.errors import StreamflowError
from streamflow.session import AudioChunk, StreamRequest
from streamflow.strategies import STRATEGIES, make_system
from streamflow.tiny import make_tiny_bundle

from ..test_given_tokens import checkpoint, corpus  # noqa: F401

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


@given(st.integers(1, 400), st.integers(0, 400))
def test_tokens_are_changed_at_every_position_of_a_chunk(tokens, period):
    found = places(tokens, period)
    assert all(0 < k < tokens for k in found) and len(found) <= 18
    if tokens > 1 and 0 < period <= min(16, tokens // 2):
        assert {k % period for k in found} == set(range(period))


def test_a_decoder_that_gives_nothing_before_the_end_does_not_stream():
    class Offline(Sound):
        def emit(self, ready):
            return iter(())

    whole = Subject(Offline, requests(), declares_whole=True)
    (finding,) = check_conformance(whole, ["causality"])
    assert finding.verdict == "FAILS" and finding.index == 83
    assert "does not stream" in finding.said and "declares so" in finding.said
    assert next(check_conformance(whole, ["cost"])).verdict == "not applicable"
    (finding,) = check_conformance(Subject(Offline, requests(), 83 / 25), ["causality"])
    assert finding.verdict == "not applicable" and "give longer ones" in finding.said


def test_a_look_ahead_that_shows_at_one_position_of_a_chunk_only_is_seen():
    class Phased(Sound):
        """The last token of a chunk hears one token more, which the chunk waits for."""

        def emit(self, ready):
            return super().emit(ready - 1)

        def samples(self, at):
            more = self.tokens[min(at + AHEAD + 1, len(self.tokens) - 1)] if at % HOP == HOP - 1 else 0
            return super().samples(at) + np.float32(more / 1000)

    verdicts = [
        next(check_conformance(Subject(Phased, requests(), tokens / 25), ["causality"])) for tokens in (AHEAD, 7)
    ]
    assert [one.verdict for one in verdicts] == ["FAILS", "holds"]
    assert verdicts[0].index % HOP == (HOP - 1 + AHEAD + 1) % HOP and f"{40 * (AHEAD + 1)} ms ahead" in verdicts[0].said


def streams(old_s: float = 0.01, young_s: float = 0.01, old_values: int = 0, count: int = 9) -> Streams:
    return Streams([young_s] * count, [old_s] * count, [100 if old_values else 0] * count, [old_values] * count, 40)


def test_a_chunk_that_costs_the_same_holds_whatever_disturbs_some_of_them():
    disturbed = streams()
    disturbed.old_s[2:5] = [0.5] * 3
    assert judge(lambda: disturbed)[0] == "holds"


def test_a_time_that_grew_is_measured_again_and_fails_only_when_it_grew_every_time():
    noisy = iter([streams(old_s=0.05)] * (ATTEMPTS - 1) + [streams()])
    assert judge(lambda: next(noisy))[0] == "holds"
    verdict, said, index = judge(lambda: streams(old_s=0.013))
    assert (verdict, index) == ("FAILS", 40) and "1.30 times the time" in said


@given(st.floats(1.0, 4.0))
def test_counted_work_decides_without_a_look_at_the_time(growth):
    verdict, said, index = judge(lambda: streams(old_s=0.001, old_values=round(100 * growth)))
    grew = round(100 * growth) / 100 > COUNT_GROWTH
    assert (verdict, index) == (("FAILS", 40) if grew else ("holds", None))
    assert f"{round(100 * growth) / 100:.2f} times the values" in said


def test_the_first_chunk_that_goes_over_more_is_named():
    grown = streams(old_values=100)
    grown.old_values[3:] = [120] * 6
    assert judge(lambda: grown)[2] == 43


def test_too_few_chunks_tell_nothing():
    assert judge(lambda: streams(count=2))[0] == "not applicable"


class InTorch(Sound):
    """Multiplies what the last ``reach`` tokens are, or all of them, with weights."""

    reach = 8

    def chunk(self, count):
        tokens = torch.tensor(self.tokens[-self.reach :], dtype=torch.float32)
        assert (tokens[:, None] * torch.ones(1, 50)).sum() > 0
        return super().chunk(count)


class Growing(InTorch):
    reach = 10**9


def test_what_torch_goes_over_for_each_chunk_is_counted_the_same_every_time():
    once, again = (measured(subject(InTorch)) for _ in range(2))
    assert once.first == (25 * OLD_S - AHEAD) // HOP
    assert once.chunks >= 25 * SPAN_S // HOP and min(once.young_s + once.old_s) > 0
    assert once.old_values == again.old_values and len(set(once.old_values + once.young_values)) == 1
    assert not any(measured(subject(Sound)).old_values)


def test_work_that_grows_with_the_history_fails_by_its_count():
    (finding,) = check_conformance(subject(Growing), ["cost"])
    assert finding.verdict == "FAILS" and finding.index == (25 * OLD_S - AHEAD) // HOP and "values" in finding.said


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


NOT_STREAMING = {"full": ["causality"], "full+": ["causality"]}
GROWING = {"causal": {}, "cosyvoice": {"cached": False}, "cosyvoice, cached": {"cached": True}}


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in CONTROLS])
def test_every_strategy_conforms_but_those_that_do_not_stream(tiny, strategy):
    system = make_system(strategy, tiny)
    whole = system.algorithmic_latency_s is None
    utterances = requests(tiny.tokenizer.fsq.codebook_size, (38, 33))
    seen = Subject(system, utterances, system.algorithmic_latency_s, declares_whole=whole)
    fails = [one for one in check_conformance(seen, UNTIMED) if one.verdict == "FAILS"]
    assert [one.check for one in fails] == NOT_STREAMING.get(strategy, []), [one.said for one in fails]


def test_a_decoder_of_other_rates_conforms_at_its_own(checkpoint, corpus, tmp_path):  # noqa: F811
    """Published weights: 50 tokens a second, which the manifest gives, and 24 kHz."""
    command = ["conformance", "sr:streamflow-sr,nfe=1", "--checkpoint", str(checkpoint), "--corpus", str(corpus)]
    done = CliRunner().invoke(app, [*command, "--only", "chunks,causality,ending", "--json", str(tmp_path / "found")])
    found = {one["check"]: one for one in json.loads((tmp_path / "found").read_text())}
    assert {one["verdict"] for one in found.values()} == {"holds"} and done.exit_code == 0, found
    assert "declared 400 ms" in found["causality"]["said"] and "after 20 tokens" in found["causality"]["said"]


def test_a_look_ahead_that_is_given_in_tokens_is_of_the_decoders_rate():
    class Fast(Sound):
        """50 tokens a second of 480 samples at 24 kHz."""

        def chunk(self, count):
            start = self.sent * TOKEN
            return AudioChunk(start // TOKEN * 480, super().chunk(count).samples[: 480 * count], sample_rate=24_000)

    fifty = [replace(request, tokens_per_second=50.0) for request in requests()]
    fast = Subject(Fast, fifty, (HOP + AHEAD) / 50)
    assert (fast.lookahead_tokens, fast.samples_per_token, fast.sample_rate) == (HOP + AHEAD, 480, 24_000)
    held = {one.check: one for one in check_conformance(fast, ["chunks", "causality", "ending"])}
    assert {one.verdict for one in held.values()} == {"holds"}, held
    said = held["causality"].said
    assert "declared 120 ms" in said and "plays on without a pause 120 ms" in said
    assert "1.66 s for 1.66 s of tokens" in held["chunks"].said
    (late,) = check_conformance(Subject(Fast, fifty, (HOP + AHEAD - 1) / 50), ["causality"])
    assert late.verdict == "FAILS" and "declared 100 ms" in late.said


CONSTANT = [name for name in STRATEGIES if name not in (*CONTROLS, *NOT_STREAMING, *GROWING)]


@pytest.mark.parametrize("strategy", [*CONSTANT, *GROWING])
def test_a_chunk_of_every_strategy_goes_over_as_much_late_as_early_but_where_all_of_the_past_is_seen(tiny, strategy):
    system = make_system(strategy.partition(",")[0], tiny, nfe=1, **GROWING.get(strategy, {}))
    utterances = requests(tiny.tokenizer.fsq.codebook_size, (38, 33))
    found = measured(Subject(system, utterances), 1.0, 3.0, 1.2)  # its blocks are a third as long, so is its past
    assert min(found.young_values) > 0 and found.chunks >= 5
    grew = float(np.median(found.old_values) / np.median(found.young_values))
    assert grew > COUNT_GROWTH if strategy in GROWING else grew == pytest.approx(1)


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

"""Latency: what decides, what is only reported, and that a measurement is really made side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from make_runs import policy, scores, write_run

from harness.gate.evaluate import evaluate
from harness.gate.latency_gate import Measured, measure, measured_checks
from harness.gate.outcome import GateResult
from harness.gate.policy import LatencyRule
from harness.gate.system_pairs import SystemPair
from harness.latency import Ratio
from harness.systems import LoadedSystem
from streamflow.session import AudioChunk, StreamRequest

RULE = LatencyRule(first_packet_s=1.15, rtf=1.1, chunk_p50_s=1.1, underrun_s=0.05, must="pass")
SYSTEM = SystemPair("full", "full")


def measured(ratio: float, low: float | None, high: float | None, more: float = 0.0) -> Measured:
    ratios = {name: Ratio(ratio, low, high) for name in RULE.ratios}
    return Measured(ratios, 4, {"baseline": 0.1, "candidate": 0.1 + more})


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (measured(1.0, 0.98, 1.02), "PASS"),
        (measured(1.3, 1.25, 1.35), "FAIL"),
        (measured(1.1, 1.0, 1.2), "INCONCLUSIVE"),
        (measured(1.0, None, None), "INCONCLUSIVE"),
    ],
)
def test_a_measured_ratio_decides_by_its_bounds(found: Measured, verdict: str) -> None:
    checks = measured_checks(SYSTEM, found, RULE)
    assert [check.verdict for check in checks if check.metric == "rtf"] == [verdict]
    assert all(check.must == "pass" for check in checks)


def test_a_ratio_that_cannot_be_told_from_its_limit_holds_nothing_up_unless_it_must_pass() -> None:
    undecided = measured(1.1, 1.0, 1.2)
    assert not any(c.holds_back for c in measured_checks(SYSTEM, undecided, replace(RULE, must="not fail")))
    assert any(c.holds_back for c in measured_checks(SYSTEM, undecided, RULE))
    slow = measured_checks(SYSTEM, measured(1.5, 1.4, 1.6), replace(RULE, must="not fail"))
    assert any(c.holds_back for c in slow)


def test_seconds_of_silence_are_held_against_the_baselines_and_not_against_none() -> None:
    def verdict(more: float) -> str:
        return next(
            c.verdict for c in measured_checks(SYSTEM, measured(1, 0.9, 1.05, more), RULE) if c.metric == "underrun_s"
        )

    assert (verdict(0.0), verdict(0.04), verdict(0.2)) == ("PASS", "PASS", "FAIL")


def test_only_what_the_policy_limits_is_looked_at() -> None:
    checks = measured_checks(SYSTEM, measured(3, 2, 4, 1), LatencyRule(rtf=1.1))
    assert [check.metric for check in checks] == ["rtf"]


def test_recorded_ratios_are_reported_and_decide_only_if_the_policy_says_so(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores(), compute_s=0.05)
    new = write_run(tmp_path / "new", scores(noise=1), compute_s=0.10)
    report = evaluate(old, new, policy(latency=RULE))
    assert report.verdict == "PASS"
    ratio = next(check for check in report.checks if check.metric == "rtf")
    assert (ratio.verdict, ratio.must) == ("INCONCLUSIVE", "report")  # all ratios alike: no interval
    assert ratio.estimate == pytest.approx(2.0)
    assert "not of one process" in ratio.note
    assert evaluate(old, new, policy(latency=replace(RULE, recorded="gate"))).verdict == "INCONCLUSIVE"


def test_a_pass_says_that_latency_was_not_gated_where_nothing_of_it_could_decide(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores())
    slow = write_run(tmp_path / "slow", scores(), compute_s=0.5)
    result = evaluate(old, slow, policy(latency=RULE))
    assert result.meaning.endswith("; latency was not gated")
    assert result.content()["meaning"] == result.meaning
    loose = evaluate(old, slow, policy(latency=RULE, chunking="any"))
    assert loose.meaning.endswith('latency was not gated; algorithmic latency was not looked at (chunking = "any")')
    decided = GateResult(
        baseline="o", candidate="n", policy={}, checks=measured_checks(SYSTEM, measured(1, 0.9, 1.05), RULE)
    )
    assert "latency" not in decided.meaning


def test_underruns_of_a_trace_are_what_a_player_would_wait(tmp_path: Path) -> None:
    """Chunks of 0.24 s that take 0.24 s of waiting each never starve; with 0.30 s of sound missing they would."""
    old = write_run(tmp_path / "old", scores())
    new = write_run(tmp_path / "new", scores(), chunk=1920)  # half the sound at the same pace
    result = evaluate(old, new, policy(latency=RULE, chunking="any"))
    check = next(check for check in result.checks if check.metric == "underrun_s")
    assert check.estimate == pytest.approx(3 * 0.12)  # three chunks, each 0.12 s short
    assert check.verdict == "FAIL" and not check.holds_back


def test_runs_without_timings_are_compared_without_them_and_say_so(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, scores()) for name in ("old", "new")]
    for run in runs:
        for table in ("latency", "traces"):
            path = run / f"{table}.parquet"
            pandas.read_parquet(path).iloc[:0].to_parquet(path, index=False)
    result = evaluate(*runs, policy(latency=RULE))
    assert result.verdict == "PASS"
    assert not any(check.kind == "latency" for check in result.checks)
    assert any("holds no timings" in note for note in result.notes)


def test_weights_that_are_not_here_are_said_and_the_recorded_ratios_taken(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, scores()) for name in ("old", "new")]
    for run in runs:
        text = (run / "run.toml").read_text().replace('"small"', '"/nowhere/weights"')
        (run / "run.toml").write_text(text)
    result = evaluate(*runs, policy(latency=RULE), interleaved=True)
    assert any("was not measured side by side" in note for note in result.notes)
    assert all(check.must == "report" for check in result.checks if check.kind == "latency")


class Echo:
    """A session that gives 40 ms of silence a token, and remembers that it was opened."""

    opened: list[str] = []  # noqa: RUF012, both systems write into the one list

    def __init__(self, name: str, request: StreamRequest) -> None:
        type(self).opened.append(name)
        self.start = 0

    def push(self, tokens: np.ndarray):
        samples = np.zeros(640 * len(tokens), np.float32)
        self.start += len(samples)
        yield AudioChunk(samples=samples, start_sample=self.start - len(samples))

    def finish(self):
        yield from ()

    def cancel(self) -> None: ...


def test_both_systems_are_decoded_in_turn_a_b_b_a() -> None:
    Echo.opened.clear()
    systems = [LoadedSystem(name, lambda request, name=name: Echo(name, request), {}) for name in ("old", "new")]
    speech = np.zeros(6400, np.float32)
    request = StreamRequest(
        utterance_id="u",
        speaker=np.ones(4, np.float32),
        seed=0,
        prompt=speech,
        reference=speech,
        tokens=np.zeros((10, 1), np.int64),
    )
    found = measure(*systems, [request], repeats=2)
    assert Echo.opened == ["old", "new", *["old", "new", "new", "old"] * 2]
    assert set(found.ratios) == {"first_packet_s", "rtf", "chunk_p50_s"}
    assert found.underrun_s.keys() == {"baseline", "candidate"}
    assert min(found.underrun_s.values()) >= 0

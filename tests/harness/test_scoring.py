"""Scores in processes: a crash, a hang or an exception costs one score of one rendering, and nothing else."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np
import pytest
import soundfile
from crashing import PROCESS  # noqa: F401  # the plug-ins are importable here, so in the workers too

from harness.scoring import READING, ScoreTask, score_all

METRICS = ("stoi", "crashing:CRASH", "crashing:PROCESS", "crashing:HANG", "crashing:FAIL", "delay_ms")


@pytest.fixture
def make_task(tmp_path, shipped_rows):
    """A task of one recording against itself; loud ones are what the metrics of the plug-in break on."""
    from .conftest import SHIPPED

    samples = soundfile.read(SHIPPED.parent / shipped_rows[0]["path"], dtype="float32")[0]

    def make(utterance: str, loud: bool = False, metrics: tuple[str, ...] = METRICS) -> ScoreTask:
        audio, reference = tmp_path / f"{utterance}.flac", tmp_path / f"{utterance}-reference.flac"
        peak = 0.95 if loud else 0.5
        for path in (audio, reference):
            soundfile.write(path, samples * (peak / np.abs(samples).max()), 16_000, subtype="PCM_16")
        return ScoreTask("s", utterance, 0, audio, reference, (), tuple((name, {}) for name in metrics))

    return make


def by_metric(result) -> dict[str, float]:
    return {row["metric"]: row["value"] for row in result.scores}


def test_a_crash_a_hang_and_an_exception_cost_one_score_each(make_task):
    tasks = [make_task("quiet"), make_task("loud", loud=True), make_task("quiet-too")]
    results = {result.task.utterance: result for result in score_all(tasks, 2, limit_s=2.0, first_s=2.0)}
    assert sorted(results) == ["loud", "quiet", "quiet-too"]
    for name in ("quiet", "quiet-too"):
        assert list(by_metric(results[name])) == [name for name in METRICS if name != "crashing:FAIL"]
        assert results[name].lost == {"crashing:FAIL": "RuntimeError: no such luck"}
    assert list(by_metric(results["loud"])) == ["stoi", "crashing:PROCESS", "delay_ms"]
    assert results["loud"].lost == {
        "crashing:CRASH": "took its process down (SIGSEGV)",
        "crashing:HANG": "took longer than 2 s",
        "crashing:FAIL": "RuntimeError: no such luck",
    }
    pids = {by_metric(result)["crashing:PROCESS"] for result in results.values()}
    assert os.getpid() not in pids
    for pid in pids:  # none is left behind, not even the one that hung
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_renderings_of_one_reference_are_scored_by_one_process(make_task):
    metrics = ("crashing:PROCESS",)
    tasks = [make_task(name, metrics=metrics) for name in ("a", "b")]
    more = [ScoreTask(f"s{i}", t.utterance, 0, t.audio, t.reference, (), t.metrics) for i in range(6) for t in tasks]
    pids: dict[str, set[float]] = {"a": set(), "b": set()}
    for result in score_all(more, 2):
        pids[result.task.utterance].add(by_metric(result)["crashing:PROCESS"])
    # a process that has run out of its own helps the other: at most one of the two was shared
    assert min(len(found) for found in pids.values()) == 1


def test_audio_that_cannot_be_read_is_a_line_not_an_exception(make_task, tmp_path):
    task = make_task("u")
    task.audio.write_bytes(b"fLaC and nothing more")
    (result,) = score_all([task], 1)
    assert list(result.lost) == [READING] and "\n" not in result.lost[READING]
    assert result.scores == []


def test_a_caller_that_stops_listening_leaves_no_process(make_task):
    scores = score_all([make_task("a"), make_task("b", loud=True)], 1)
    pid = int(by_metric(next(scores))["crashing:PROCESS"])
    scores.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    import signal
    import subprocess
    import sys
    import time

    code = (
        "import time\nfrom harness.workers import Worker\n"
        "worker = Worker('harness.scoring:steps')\nprint(worker._process.pid, flush=True)\ntime.sleep(600)"
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    # a zombie is nobody's to wait for here
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        time.sleep(0.05)


def test_nothing_is_held_of_results_that_were_taken(make_task):
    tasks = [make_task(str(number), metrics=("delay_ms",)) for number in range(6)]
    seen = [weakref.ref(result) for result in score_all(tasks, 1)]
    assert len(seen) == 6
    assert sum(ref() is not None for ref in seen[:-1]) == 0

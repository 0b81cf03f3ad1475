from __future__ import annotations

import os
from pathlib import Path

from crashing import crash_on_second

from harness.scoring import ScoreTask, score, score_all


def task(utterance: str, audio: Path = Path("none.flac")) -> ScoreTask:
    return ScoreTask("s", utterance, audio, audio, (), ("stoi",), True)


def test_a_metric_that_takes_its_process_down_costs_one_rendering():
    tasks = [task(f"u{i}") for i in range(6)]
    results = {result.task.utterance: result for result in score_all(tasks, 2, crash_on_second)}
    assert sorted(results) == [f"u{i}" for i in range(6)]
    assert "took its process down" in results["u2"].errors[0]
    others = [result for name, result in results.items() if name != "u2"]
    assert all(result.errors == [] for result in others)
    assert all(result.scores[0]["value"] != os.getpid() for result in others)


def test_audio_that_cannot_be_read_is_a_line_not_an_exception(tmp_path):
    (tmp_path / "broken.flac").write_bytes(b"fLaC and nothing more")
    result = score(task("u", tmp_path / "broken.flac"))
    assert len(result.errors) == 1
    assert result.scores == []

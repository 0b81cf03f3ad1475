"""A comparison that was stopped goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.run import Run

from .comparing import assert_same, experiment, go
from .conftest import PLUGINS


def test_ctrl_c_keeps_what_is_finished_and_leaves_readable_tables(make_corpus, tmp_path, monkeypatch, log):
    import chunked

    wanted, out = experiment(make_corpus(3), "mine=chunked:Resynthesis"), tmp_path / "run"
    made, chunk = [], chunked.Resynthesis.chunk

    def interrupted(self, count):
        made.append(count)
        if len(made) > 18:
            raise KeyboardInterrupt
        return chunk(self, count)

    monkeypatch.setattr(chunked.Resynthesis, "chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(wanted, out)
    kept = len(Run(out).latency())
    assert 1 <= kept < 3
    monkeypatch.setattr(chunked.Resynthesis, "chunk", chunk)
    outcome = go(wanted, out)
    assert (outcome.kept, outcome.decoded) == (kept, 3 - kept)


def start(toml: Path, out: Path, log: Path, hold: int = 0) -> subprocess.Popen:
    """Carry it out in a process, which stops in the middle of a decode: the one with line ``hold`` of the log."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "STREAMFLOW_TEST_LOG": str(log), "OMP_NUM_THREADS": "1"}
    environment["STREAMFLOW_TEST_HOLD"] = str(hold)
    return subprocess.Popen(
        [sys.executable, "go.py", str(toml), str(out)], cwd=PLUGINS, env=environment, stdout=subprocess.PIPE, text=True
    )


def test_killed_at_any_moment_and_started_again_gives_the_run_that_was_never_killed(make_corpus, tmp_path):
    toml, out, whole, log = (tmp_path / name for name in ("x.toml", "killed", "whole", "log"))
    wanted = experiment(make_corpus(4))
    toml.write_text(wanted.to_toml())
    for lines in (4, 7):  # kill in mid-decode twice, at different places
        log.write_text("")
        process = start(toml, out, log, hold=lines)
        began = time.monotonic()
        while log.read_text().count("\n") < lines and process.poll() is None:
            assert time.monotonic() - began < 900
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
    process = start(toml, out, log)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    kept = int(output.split()[3])
    assert 1 <= kept < 8
    go(wanted, whole)
    assert_same(Run(out), Run(whole))
    assert not list(out.rglob("*.partial"))


def test_partial_files_of_a_killed_start_are_cleared(make_corpus, tmp_path):
    wanted, out = experiment(make_corpus(1)), tmp_path / "run"
    go(wanted, out)
    left = out / "audio/mine/.x.flac.partial"
    left.write_bytes(b"half")
    go(wanted, out)
    assert not left.exists()

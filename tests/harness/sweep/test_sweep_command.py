"""``streamflow sweep`` as a person runs it: a run like any other, that goes on where it was killed and grows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.run import Run
from harness.sweep import swept_runs

ROOT = Path(__file__).parents[3]


def command(*options: str | Path) -> list[str]:
    return [sys.executable, "-m", "harness.cli", "sweep", *map(str, options)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def go(*options: str | Path, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(
        command(*options), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def options(make_corpus, tiny) -> list[str | Path]:
    """Of a sweep of nothing but decoding."""
    return ["--corpus", make_corpus(2), "--checkpoint", tiny.directory, "--metrics", "none", "--no-report"]


def audio(run: Path) -> dict[str, bytes]:
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*.flac"))}


def test_killed_and_started_again_it_decodes_only_what_is_missing(options, tmp_path):
    vary = ["--strategy", "naive,window", "--vary", "block=12:48:12", "--vary", "nfe=2,4"]
    for attempt in range(10):  # on a busy machine this process may sleep until the sweep is over
        out = tmp_path / f"killed{attempt}"
        process = subprocess.Popen(
            command(*vary, *options, "--out", out), cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL
        )
        while len(list(out.glob(".renderings/*/*.json"))) < 5 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.returncode == -signal.SIGKILL and len(list(out.glob(".renderings/*/*.json"))) < 32:
            break
    assert process.returncode == -signal.SIGKILL
    kept = len(list(out.glob(".renderings/*/*.json")))
    assert 5 <= kept < 32
    again = go(*vary, *options, "--out", out)
    assert f"{32 - kept} decoded, {kept} kept" in again.stderr
    go(*vary, *options, "--out", tmp_path / "whole")
    assert audio(out) == audio(tmp_path / "whole")
    assert Run(out).experiment == Run(tmp_path / "whole").experiment
    assert "0 decoded, 32 kept" in go(*vary, *options, "--out", out).stderr


def test_a_wider_sweep_adds_to_the_same_run(options, tmp_path):
    out = tmp_path / "run"
    go("--strategy", "naive", "--vary", "block=12", *options, "--out", out)
    before = audio(out)
    told = go("--strategy", "naive", "--vary", "block=48", "--vary", "crossfade=0,0.1", *options, "--out", out)
    # the default and block 12 are there; block 48 with and without a fade is new
    assert "4 decoded, 4 kept" in told.stderr
    assert before.items() <= audio(out).items()
    run = Run(out)
    (swept,) = swept_runs(run.experiment, run.provenance)
    assert set(swept.systems) == set(run.systems)
    assert next(axis for axis in swept.axes if axis.name == "block").values == (12, 24, 48)


def test_the_run_repeats_by_compare_from_its_own_run_toml(options, tmp_path):
    out, again = tmp_path / "run", tmp_path / "again"
    go("--strategy", "naive", "--vary", "block=12", *options, "--out", out)
    subprocess.run(
        [sys.executable, "-m", "harness.cli", "compare", "--experiment", out / "run.toml", "--out", again, "--no-report"],
        cwd=ROOT, env=environment(), check=True, timeout=900, capture_output=True,
    )  # fmt: skip
    assert audio(out) == audio(again)
    assert Run(out).experiment == Run(again).experiment


def test_several_sweeps_of_a_file_share_what_they_have_in_common(options, tmp_path):
    file = tmp_path / "sweeps.toml"
    file.write_text(
        '[sweep.blocks]\nstrategy = "naive"\nvary = { block = "12:36:12" }\n'
        '[sweep.fades]\nstrategy = "naive"\nvary = { crossfade = [0, 0.1] }\nbaseline = "full"\n'
    )
    go("--experiment", file, *options, "--out", tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.systems == ["full", "naive", "naive@block-12", "naive@block-36", "naive@crossfade-0.1"]
    found = {swept.name: list(swept.systems) for swept in swept_runs(run.experiment, run.provenance)}
    assert found == {"blocks": ["naive", "naive@block-12", "naive@block-36"], "fades": ["naive", "naive@crossfade-0.1"]}
    described = json.loads((tmp_path / "run" / "provenance.json").read_text())["systems"]
    assert described["naive@block-36"]["parameters"]["block"] == 36


def test_a_dry_run_lists_systems_and_refusals_and_makes_nothing(options, tmp_path):
    done = go("--strategy", "naive", "--vary", "crossfade=0.1,0.3", *options, "--dry-run", "--out", tmp_path / "run")
    assert done.stdout.split() == ["naive", "naive@crossfade-0.1"]
    assert "left out naive@crossfade-0.3: " in done.stderr
    assert "2 systems x 2 utterances x 1 seed = 4 renderings" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--strategy", "naive", "--vary", "block=1:40:1", "--most", "10"], "more than 10"),
        (["--strategy", "naive", "--vary", "blok=1"], "did you mean 'block'"),
        (["--vary", "block=1"], "--strategy"),
        ([], "--strategy and --vary"),
    ],
)
def test_what_cannot_be_started_is_one_line(options, tmp_path, more, part):
    done = go(*more, *options, "--out", tmp_path / "run", code=2)
    last = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(last) == 1 and part in last[0]
    assert "Traceback" not in done.stderr


def test_compare_says_which_verb_carries_out_a_file_of_sweeps(make_corpus, tmp_path):
    file = tmp_path / "sweeps.toml"
    file.write_text(f'corpus = "{make_corpus(1)}"\n[sweep.b]\nstrategy = "naive"\nvary = {{ block = [12] }}\n')
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "compare", "--experiment", file, "--out", tmp_path / "run"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "streamflow sweep --experiment" in done.stderr

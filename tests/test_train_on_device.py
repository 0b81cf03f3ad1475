"""The script for a lent machine: speech packed small, every part trained over several calls, a bundle joined again."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import soundfile
from safetensors.torch import load_file

from streamflow.checkpoints import Bundle

ROOT = Path(__file__).resolve().parent.parent


def script(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "tools" / "train_on_device.py"), *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def packed(shipped_corpus, tmp_path) -> Path:
    table = pd.read_csv(shipped_corpus).groupby("speaker_id").head(1).head(4)
    table["path"] = [str(shipped_corpus.parent / p) for p in table["path"]]
    table["split"] = "train"
    table.to_csv(tmp_path / "m.csv", index=False)
    script("pack", "--manifest", tmp_path / "m.csv", "--out", tmp_path / "speech", "--kbps", 20)
    return tmp_path / "speech"


@pytest.mark.slow
def test_the_whole_recipe_runs_by_one_command_stops_in_time_and_goes_on(packed, tmp_path):
    rows = list(csv.DictReader((packed / "manifest.csv").open()))
    assert len(rows) == 4 and all(soundfile.info(packed / r["path"]).subtype == "OPUS" for r in rows)
    out = tmp_path / "out"
    budget = "speaker=2,tokenizer=2,vocoder=2,decoder=2,tune=1,bigvgan=2"
    call = ["run", "--speech", packed, "--out", out, "--work", tmp_path / "work", "--budget", budget, "--device", "cpu"]
    call += ["--size", "tiny", "--bigvgan", "tiny", "--workers", 1, "--patterns", "causal,streamflow-sr"]
    first = script(*call, "--minutes", 0)  # no time at all: nothing is trained, nothing is lost
    assert "the same call goes on" in first and (out / "log.txt").exists()
    assert "everything is trained" in script(*call, "--minutes", 60), (out / "log.txt").read_text()
    files = list(out.rglob("*"))
    assert len(files) <= 8 and all(f.stat().st_size < 16 * 2**20 and f.parent == out for f in files)
    script("join", out, "--out", tmp_path / "joined")
    bundle = Bundle(tmp_path / "joined" / "bundle")
    assert bundle.patterns == ["full", "causal", "streamflow-sr"]
    assert bundle.decoder("streamflow-sr").config.layers == 6
    assert Bundle(tmp_path / "joined" / "bigvgan").vocoder.hop == 160
    curves = {p.parent.name for p in (tmp_path / "joined").rglob("curve.csv")}
    assert {"speaker", "tokenizer", "vocoder", "decoder-full", "decoder-causal"} <= curves
    for path in (tmp_path / "joined").rglob("*.safetensors"):
        made = load_file(tmp_path / "work" / path.relative_to(tmp_path / "joined"))
        assert all((made[k] == v).all() for k, v in load_file(path).items())
    # on a fresh machine, what came back before is not trained again
    call[call.index(tmp_path / "work")] = tmp_path / "fresh"
    call[call.index(budget)] = budget.replace("bigvgan=2", "bigvgan=0")
    assert "streamflow train" not in script(*call, "--parts", tmp_path / "joined" / "bundle")


def test_speech_packed_within_a_limit_keeps_it(shipped_corpus, tmp_path):
    arguments = ["pack", "--manifest", shipped_corpus, "--split", "demo", "--out", tmp_path, "--limit-mib", 0.05]
    script(*arguments)
    rows = list(csv.DictReader((tmp_path / "manifest.csv").open()))
    files = list((tmp_path / "audio").iterdir())
    assert 0 < len(rows) == len(files) and sum(f.stat().st_size for f in files) <= 0.05 * 2**20

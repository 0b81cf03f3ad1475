"""The command line with a real bundle of random weights: built-in strategies beside a user's decoder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.run import Run
from streamflow.tiny import make_tiny_bundle

from .conftest import PLUGINS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    make_tiny_bundle(folder)
    return folder


def run_app(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def compare(corpus: Path, out: Path, checkpoint: Path, systems: str, *options: object):
    return run_app(
        "compare",
        "--corpus",
        corpus,
        "--systems",
        systems,
        "--checkpoint",
        checkpoint,
        "--out",
        out,
        "--no-report",
        *options,
    )


def error_line(result) -> str:
    """The one line of an error that is meant for people."""
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_built_in_strategies_and_a_users_decoder_go_side_by_side(make_corpus, tmp_path, tiny):
    systems = "copy-synthesis,full,naive,streamflow-sr,mine=chunked:Resynthesis"
    result = compare(make_corpus(2), tmp_path / "run", tiny, systems, "--metrics", "none")
    assert result.exit_code == 0, result.output
    run = Run(tmp_path / "run")
    assert run.systems == ["copy-synthesis", "full", "naive", "streamflow-sr", "mine"]
    assert len(run.latency()) == 10
    latency = run.latency().set_index(["system", "utterance"])
    name = run.utterances[0]["utterance_id"]
    assert np.isnan(latency.loc[("full", name), "algorithmic_latency_s"])
    assert latency.loc[("streamflow-sr", name), "algorithmic_latency_s"] > 0
    chunks = run.traces().groupby(["system", "utterance"]).size()
    assert chunks[("full", name)] == 1
    assert chunks[("streamflow-sr", name)] > 3
    for system in run.systems:
        assert len(run.audio(system, name)) == latency.loc[(system, name), "tokens"] * 640
    assert set(run.provenance["checkpoint"]["sha256"]) >= {"decoder.safetensors", "vocoder.safetensors"}


def test_the_same_command_again_decodes_nothing_and_gives_the_same_audio(make_corpus, tmp_path, tiny):
    corpus = make_corpus(1)
    told = [
        compare(corpus, tmp_path / out, tiny, "full,naive", "--metrics", "none").stderr
        for out in ("run", "run", "other")
    ]
    for text, expected in zip(told, ("2 decoded, 0 kept", "0 decoded, 2 kept", "2 decoded, 0 kept"), strict=True):
        assert expected in text
    name = Run(tmp_path / "run").utterances[0]["utterance_id"]
    for system in ("full", "naive"):
        np.testing.assert_array_equal(
            Run(tmp_path / "run").audio(system, name), Run(tmp_path / "other").audio(system, name)
        )


def test_an_experiment_file_gives_parameters(make_corpus, tmp_path, tiny):
    toml = tmp_path / "experiment.toml"
    toml.write_text(
        f'corpus = "corpus/manifest.csv"\ncheckpoint = "{tiny}"\nmetrics = []\n'
        '[systems.full]\nnfe = 2\n[systems.sr]\nstrategy = "streamflow-sr"\nnfe = 2\n'
        '[systems.mine]\nobject = "chunked:Resynthesis"\nhop = 4\n'
    )
    make_corpus(1)
    result = run_app("compare", "--experiment", toml, "--out", tmp_path / "run", "--no-report")
    assert result.exit_code == 0, result.output
    run = Run(tmp_path / "run")
    assert run.experiment["systems"]["sr"] == {"strategy": "streamflow-sr", "nfe": 2}
    assert run.provenance["systems"]["full"]["nfe"] == 2
    assert run.traces().query("system == 'mine'")["samples"].iloc[0] == 4 * 640


@pytest.mark.parametrize(
    ("systems", "part"),
    [
        ("streamflow-st", "did you mean 'streamflow-sr'"),
        ("mine=nowhere:Decoder", "no module named 'nowhere'"),
        ("full,full", "given twice"),
    ],
)
def test_an_unknown_system_is_one_line(make_corpus, tmp_path, tiny, systems, part):
    assert part in error_line(compare(make_corpus(1), tmp_path / "run", tiny, systems))


def test_an_unknown_parameter_is_one_line(make_corpus, tmp_path, tiny):
    toml = tmp_path / "x.toml"
    toml.write_text(f'corpus = "{make_corpus(1)}"\ncheckpoint = "{tiny}"\nmetrics = []\n[systems.full]\nnfee = 2\n')
    assert "nfee" in error_line(run_app("compare", "--experiment", toml, "--out", tmp_path / "run"))


def test_an_unknown_checkpoint_is_one_line(make_corpus, tmp_path):
    result = compare(make_corpus(1), tmp_path / "run", "smal", "full", "--metrics", "none")
    assert "smal" in error_line(result)


def test_an_unknown_metric_is_one_line(make_corpus, tmp_path, tiny):
    assert "stoi" in error_line(compare(make_corpus(1), tmp_path / "run", tiny, "full", "--metrics", "stio"))


def test_a_missing_manifest_and_a_bad_one_are_one_line(tmp_path, tiny):
    assert "no such manifest" in error_line(compare(tmp_path / "none.csv", tmp_path / "run", tiny, "full"))
    (tmp_path / "m.csv").write_text("utterance_id,path\na,b\n")
    assert "no column 'speaker_id'" in error_line(compare(tmp_path / "m.csv", tmp_path / "run", tiny, "full"))


def test_when_nothing_can_be_decoded_the_exit_code_says_so(make_corpus, tmp_path, tiny):
    corpus = make_corpus(0, ({"utterance_id": "gone", "path": "gone.wav"},))
    result = compare(corpus, tmp_path / "run", tiny, "full", "--metrics", "none")
    assert result.exit_code == 2
    assert "gone.wav: no such file" in result.stderr
    assert Run(tmp_path / "run").failures()["utterance"].tolist() == ["gone"]


def test_debug_shows_the_traceback(tmp_path):
    result = run_app("--debug", "report", tmp_path)
    assert result.exception is not None
    assert "not a run" in str(result.exception)


def test_report_of_what_is_no_run_is_one_line(tmp_path):
    assert "not a run" in error_line(run_app("report", tmp_path))


@pytest.mark.parametrize(
    "verb", [[], ["compare"], ["score"], ["report"], ["latency"], ["gate"], ["baseline"], ["train"], ["corpus"]]
)
def test_help_exists_for_every_verb(verb):
    result = run_app(*verb, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_needs_no_torch():
    code = "import sys, harness.cli; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(make_corpus, tmp_path, tiny):
    log, out = tmp_path / "log", tmp_path / "run"
    log.touch()
    command = ["compare", "--corpus", make_corpus(6), "--systems", "slow=chunked:Slow", "--checkpoint", tiny]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness.cli",
            *map(str, command),
            "--out",
            str(out),
            "--metrics",
            "none",
            "--no-report",
        ],
        cwd=PLUGINS,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "STREAMFLOW_TEST_LOG": str(log),
            "STREAMFLOW_TEST_HOLD": "4",
            "OMP_NUM_THREADS": "1",
        },
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores Ctrl-C
        stderr=subprocess.PIPE,
        text=True,
    )
    began = time.monotonic()
    while log.read_text().count("\n") < 4 and process.poll() is None:
        assert time.monotonic() - began < 900
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    kept = len(Run(out).latency())
    assert f"interrupted: {kept} renderings are kept" in errors
    assert 1 <= kept < 6

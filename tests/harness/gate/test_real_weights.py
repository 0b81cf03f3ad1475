"""The shipped weights against themselves with other seeds, and against themselves with noise added: real decodes.

``tools/verify_gate.py`` measures the same over a hundred pairs; its figures are in docs/gate.md.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from make_runs import policy
from typer.testing import CliRunner

from harness.cli import app
from harness.gate.evaluate import evaluate
from harness.gate.policy import LatencyRule, MetricRule, TailRule

TOOL = Path(__file__).parents[3] / "tools" / "verify_gate.py"
UTTERANCES = 8
RULES = policy(
    metrics={"estoi": MetricRule(margin=0.02), "mel_distance": MetricRule(margin=0.2)},
    tail=TailRule(),
    calibration="if possible",
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_gate", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def same(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seeds of the shipped weights."""
    out = tmp_path_factory.mktemp("same") / "run"
    return tool.decode(out, "full", "small", range(4), ("estoi", "mel_distance"), UTTERANCES)


@pytest.mark.slow
def test_the_same_weights_with_other_seeds_pass(tool: ModuleType, same: Path, tmp_path: Path) -> None:
    arms = [tool.arm(same, seeds, tmp_path / name) for name, seeds in (("a", (0, 1)), ("b", (2, 3)))]
    rules = policy(metrics=RULES.metrics, calibration="required", seeds="any")
    result = evaluate(*arms, rules)
    assert result.verdict == "PASS", result.reasons()
    assert result.calibration.status == "passed"
    assert max(abs(check.estimate) for check in result.checks if check.kind == "quality") > 0, (
        "other noise, other scores"
    )


@pytest.mark.slow
def test_weights_with_noise_added_are_decoded_and_fail_against_the_promoted_baseline(
    tool: ModuleType, same: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command: promote, then decode, score and compare in one go."""
    monkeypatch.chdir(tmp_path)
    Path("gate.toml").write_text("[tail]\n[metrics.estoi]\nmargin = 0.02\n[metrics.mel_distance]\nmargin = 0.2\n")
    assert CliRunner().invoke(app, ["baseline", "promote", str(tool.arm(same, (0,), tmp_path / "one"))]).exit_code == 0
    noisy = tool.with_noise(tmp_path / "noisy", 1.0)  # with 0.4 one seed of 8 utterances leaves the mean open
    arguments = ["gate", "--checkpoint", str(noisy), "--policy", "gate.toml", "--out", "out", "--jobs", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1, result.output
    content = json.loads(Path("out/gate.json").read_text())
    failed = {
        check["metric"] for check in content["checks"] if check["kind"] == "quality" and check["verdict"] == "FAIL"
    }
    assert "mel_distance" in failed
    assert "data:audio/flac;base64," in Path("out/index.html").read_text()


@pytest.mark.slow
def test_latency_of_shipped_weights_is_measured_side_by_side(tool: ModuleType, same: Path, tmp_path: Path) -> None:
    """That it is measured and decides; not how it comes out, which is up to the machine."""
    one = tool.arm(same, (0,), tmp_path / "one")
    rules = policy(metrics=RULES.metrics, latency=LatencyRule(rtf=1.5, underrun_s=5.0, utterances=1, repeats=2))
    result = evaluate(one, one, rules, interleaved=True)
    latency = {check.metric: check for check in result.checks if check.kind == "latency"}
    assert set(latency) == {"rtf", "underrun_s"}, result.notes
    assert all(check.must == "not fail" for check in latency.values())
    assert latency["rtf"].low < latency["rtf"].estimate < latency["rtf"].high

"""What docs/gate.md shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from harness.gate.policy import load_policy

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")
NAMES = {
    "PESQ-WB": "pesq_wb",
    "ESTOI": "estoi",
    "speaker similarity": "speaker_similarity",
    "mel distance (dB)": "mel_distance",
    "F0, median cents": "f0_median_cents",
    "voicing error (points)": "voicing_error",
    "WER (points of per cent)": "wer",
    "CER (points of per cent)": "cer",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def test_the_policy_that_is_shown_can_be_used(tmp_path: Path) -> None:
    (shown,) = blocks("toml")
    path = tmp_path / "gate.toml"
    path.write_text(shown)
    policy = load_policy(path)
    assert policy.metrics["pesq_wb"].margin == 0.05
    assert "voicing_error" not in policy.metrics
    assert [rule.by for rule in policy.slices] == ["duration_s"]


def test_the_margins_in_the_table_are_those_of_the_ready_policy() -> None:
    policy = load_policy()
    for title, metric in NAMES.items():
        (margin,) = re.findall(rf"^\| {re.escape(title)} \| ([\d.]+) \|", DOCS, re.MULTILINE)
        assert float(margin) == policy.metrics[metric].margin, metric
    required = {name for name, rule in policy.metrics.items() if rule.required}
    assert required | {"wer", "cer"} == set(NAMES.values())


def test_the_workflow_is_yaml_whose_steps_run_what_there_is() -> None:
    (shown,) = blocks("yaml")
    workflow = yaml.safe_load(shown)
    steps = workflow["jobs"]["gate"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    (gate,) = [step for step in steps if step.get("id") == "gate"]
    assert ".venv/bin/streamflow gate --checkpoint" in gate["run"]


def test_the_hook_is_a_shell_script_and_holds_back_what_does_not_pass(tmp_path: Path) -> None:
    (hook,) = blocks("sh")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for code, expected in ((0, 0), (1, 1), (3, 1), (4, 1)):
        for name, text in (("git", "exit 1"), ("streamflow", f"exit {code}")):
            (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin_folder / name).chmod(0o755)
        path = f"{bin_folder}:/usr/bin:/bin"
        done = subprocess.run(["sh", "-c", hook], env={"PATH": path}, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == expected, done.stderr

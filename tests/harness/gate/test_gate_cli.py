"""The commands: exit codes that a workflow can rely on, and files that are there whatever happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from make_runs import scores, write_run
from typer.testing import CliRunner

from harness.cli import OneLineErrors
from harness.gate.cli import baseline, gate

app = typer.Typer(cls=OneLineErrors)  # as harness.cli registers them
app.callback()(lambda: None)
app.command()(gate)
app.add_typer(baseline, name="baseline")

POLICY = """
calibration = "off"
[tail]
[metrics.pesq_wb]
margin = 0.1
[metrics.estoi]
margin = 0.01
[metrics.mel_distance]
margin = 0.1
"""


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    Path("gate.toml").write_text(POLICY)


def make(name: str, shift: float = 0.0, noise: int = 0, utterances: int = 24, **more) -> str:
    values = scores(utterances, 3, noise=noise)
    values["pesq_wb"] = values["pesq_wb"] + shift
    return str(write_run(Path(name), values, **more))


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def gated(*arguments: str, out: str = "out"):
    result = run("gate", "--policy", "gate.toml", "--out", out, *arguments)
    return result, json.loads((Path(out) / "gate.json").read_text())


def test_pass_fail_inconclusive_and_broken_have_codes_of_their_own() -> None:
    old = make("old")
    cases = {
        0: make("same", noise=1),
        1: make("worse", shift=-0.4, noise=2),
        3: make("middling", shift=-0.1, noise=3),
        4: make("other", audio_hash="b"),
    }
    for code, new in cases.items():
        result, content = gated("--baseline", old, "--candidate", new, out=f"out{code}")
        assert result.exit_code == content["exit_code"] == code, result.output
        assert {path.name for path in Path(f"out{code}").iterdir()} == {
            "gate.json",
            "gate.md",
            "index.html",
            "junit.xml",
        }


def test_a_promoted_baseline_is_found_by_its_name() -> None:
    assert run("baseline", "promote", make("old")).exit_code == 0
    result, content = gated("--candidate", make("new", noise=1))
    assert result.exit_code == 0, result.output
    assert content["baseline"].startswith("main (")
    listed = run("baseline", "list").output
    assert "main " in listed and "the anchor" in listed
    assert "is as it was promoted" in run("baseline", "verify").output


def test_a_mistake_on_the_command_line_or_in_the_policy_is_a_usage_error() -> None:
    old = make("old")
    assert run("gate", "--baseline", old).exit_code == 2
    assert run("gate", "--baseline", old, "--candidate", old, "--checkpoint", "small").exit_code == 2
    assert run("gate", "--baseline", old, "--checkpoint", "small", "--system", "new=old").exit_code == 2
    assert run("gate", "--baseline", old, "--candidate", old, "--policy", "nothing.toml").exit_code == 2
    Path("gate.toml").write_text("[metrics.pesq_wb]\nmargn = 1\n")
    result = run("gate", "--baseline", old, "--candidate", old, "--policy", "gate.toml")
    assert (result.exit_code, Path("gate").exists()) == (2, False)
    assert "did you mean 'margin'" in result.output


@pytest.mark.parametrize("damage", ["no run", "no baseline", "not a table", "no system"])
def test_whatever_breaks_the_evaluation_is_4_and_never_1(damage: str) -> None:
    old, new = make("old"), make("new", noise=1)
    arguments = {"--baseline": old, "--candidate": new}
    if damage == "no run":
        arguments["--candidate"] = "nowhere"
    elif damage == "no baseline":
        arguments["--baseline"] = "nightly"
    elif damage == "no system":
        arguments["--system"] = "naiv"
    else:
        (Path(new) / "scores.parquet").write_bytes(b"PAR1")
    result, content = gated(*(part for pair in arguments.items() for part in pair))
    assert result.exit_code == 4, result.output
    assert content["verdict"] == "BROKEN"
    assert content["refusals"] and not content["checks"]


def test_a_fault_of_ours_is_4_too_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("somewhere")

    monkeypatch.setattr("harness.gate.evaluate.pair_runs", fail)
    old = make("old")
    result, content = gated("--baseline", old, "--candidate", old)
    assert result.exit_code == 4
    assert content["refusals"] == ["ZeroDivisionError: somewhere"]
    assert "Traceback" in result.stderr


def test_one_system_is_chosen_and_two_names_are_matched() -> None:
    old, new = make("old", systems=("full", "naive")), make("new", noise=1, systems=("full", "mine"))
    result, content = gated("--baseline", old, "--candidate", new, "--system", "mine=naive")
    assert result.exit_code == 0, result.output
    assert {check["system"] for check in content["checks"]} == {"mine (naive)"}


def test_a_workflow_on_github_gets_its_summary_and_annotations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    result, _ = gated("--baseline", make("old"), "--candidate", make("worse", shift=-0.4, noise=1))
    assert result.exit_code == 1
    assert "::error title=streamflow gate%3A FAIL::full: pesq_wb" in result.output
    assert (tmp_path / "summary.md").read_text().startswith("## ❌ FAIL")


def test_a_summary_that_cannot_be_written_is_a_broken_evaluation_and_no_regression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "nowhere/summary.md")
    result = run("gate", "--baseline", make("old"), "--candidate", make("new", noise=1), "--policy", "gate.toml")
    assert result.exit_code == 4


def test_rendered_files_cannot_be_decoded_again() -> None:
    old = make("old")
    path = Path(old) / "run.toml"
    path.write_text(path.read_text() + '\n[rendered]\npolicy = "16 kHz"\n')
    result, content = gated("--baseline", old, "--checkpoint", "small")
    assert result.exit_code == 4
    assert "made of rendered files" in content["refusals"][0]


@pytest.mark.parametrize("arguments", [["gate"], ["baseline", "promote"], ["baseline", "list"], ["baseline", "verify"]])
def test_every_command_shows_an_example(arguments: list[str]) -> None:
    assert f"streamflow {' '.join(arguments)}" in run(*arguments, "--help").output

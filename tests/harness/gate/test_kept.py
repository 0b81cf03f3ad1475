"""Gates read back from what they wrote."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from make_runs import policy, scores, write_run

from harness.gate.checks import Check
from harness.gate.evaluate import evaluate
from harness.gate.files import write_files
from harness.gate.kept import kept_gates, share_used


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three gates of real runs: one of equals, one of something clearly worse, one of runs that don't fit."""
    folder = tmp_path_factory.mktemp("runs")
    good, draw = scores(), scores(noise=1)
    bad = {name: value - (0.5 if name == "pesq_wb" else 0) for name, value in draw.items()}
    write_run(folder / "first", good)
    write_run(folder / "second", draw)
    write_run(folder / "worse", bad)
    write_run(folder / "other", good, audio_hash="b")
    for place, candidate in (("gates/fine", "second"), ("gates/fell", "worse"), ("broken", "other")):
        result = evaluate(
            folder / "first", folder / candidate, policy(), names=("main (0123)", str(folder / candidate))
        )
        write_files(result, folder / place)
    return folder


def test_verdicts_are_found_wherever_they_were_written(runs: Path) -> None:
    found = {gate.name: gate.verdict for gate in kept_gates(runs)}
    assert found == {"gates/fine": "PASS", "gates/fell": "FAIL", "broken": "BROKEN"}


def test_a_gate_says_what_it_said(runs: Path) -> None:
    fell = next(gate for gate in kept_gates(runs) if gate.verdict == "FAIL")
    assert {check.metric for check in fell.holding} == {"pesq_wb"}
    assert all(share_used(check) > 1 for check in fell.holding if check.kind == "quality")
    assert fell.candidate_in(runs) == "worse" and fell.baseline == "main (0123)"
    assert fell.candidate_in(runs / "gates") == "" and not fell.has_page
    fine = next(gate for gate in kept_gates(runs) if gate.verdict == "PASS")
    assert fine.holding == [] and all(0 < share_used(check) <= 1 for check in fine.closest())
    broken = next(gate for gate in kept_gates(runs) if gate.verdict == "BROKEN")
    assert broken.reasons and broken.checks == ()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"verdict": "PASS"}', '{"verdict": "MAYBE", "created": "2026"}']
)
def test_files_that_are_no_gates_are_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "gates" / "odd").mkdir(parents=True)
    (tmp_path / "gates" / "odd" / "gate.json").write_text(content)
    assert kept_gates(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "estimate", "margin", "unit", "share"),
    [
        ("quality", -0.05, 0.1, "MOS-LQO", 0.5), ("quality", 0.05, 0.1, "", 0.0), ("quality", math.nan, 0.1, "", 0.0),
        ("latency", 1.05, 1.1, "times the baseline", 0.5), ("latency", 0.9, 1.1, "times the baseline", 0.0),
        ("latency", 0.025, 0.05, "s more", 0.5), ("rendered", 1.0, 0.0, "utterances", math.inf),
        ("tail", 1.0, 2.0, "utterances below", 0.5),
    ],
)  # fmt: skip
def test_the_share_of_what_may_be_lost(kind: str, estimate: float, margin: float, unit: str, share: float) -> None:
    check = Check(kind=kind, system="a", metric="m", verdict="PASS", estimate=estimate, margin=margin, unit=unit)
    assert share_used(check) == pytest.approx(share)

"""Exit codes, and the files that other programs read."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_runs import policy, scores, write_run

from harness.gate.checks import Check, verdict_of
from harness.gate.evaluate import evaluate
from harness.gate.files import tell_github, write_files
from harness.gate.junit import to_junit
from harness.gate.markdown import MOST_ERRORS, annotations, escaped, to_markdown
from harness.gate.outcome import GateResult

HOSTILE = "a|b\n# @team `x` <script>%0A::error::"


def check(verdict: str, must: str = "pass", metric: str = "pesq_wb", **more) -> Check:
    return Check(
        kind="quality", system="full", metric=metric, verdict=verdict, must=must, estimate=0.0, margin=1.0, **more
    )


def result(*checks: Check, refusals: tuple[str, ...] = ()) -> GateResult:
    return GateResult(baseline="old", candidate="new", policy={"name": "p"}, checks=checks, refusals=refusals)


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([check("PASS")], 0),
        ([check("PASS"), check("FAIL"), check("INCONCLUSIVE")], 1),
        ([check("PASS"), check("INCONCLUSIVE")], 3),
        ([check("PASS"), check("FAIL", "report")], 0),
        ([check("PASS"), check("INCONCLUSIVE", "not fail")], 0),
        ([check("PASS"), check("FAIL", "not fail")], 1),
        ([], 4),
    ],
)
def test_the_exit_code_says_which_of_four_things_happened(checks: list[Check], code: int) -> None:
    assert result(*checks).exit_code == code


def test_a_refusal_goes_before_everything() -> None:
    assert result(check("FAIL"), refusals=("corpora differ",)).exit_code == 4


@given(
    st.lists(
        st.tuples(st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE"]), st.sampled_from(["pass", "not fail", "report"]))
    )
)
def test_one_more_check_never_makes_a_verdict_better(pairs: list[tuple[str, str]]) -> None:
    order = ["PASS", "INCONCLUSIVE", "FAIL"]
    checks = [check(verdict, must) for verdict, must in pairs]
    ranks = [order.index(verdict_of(checks[:i])) for i in range(len(checks) + 1)]
    assert ranks == sorted(ranks)


@pytest.fixture
def failing(tmp_path: Path) -> GateResult:
    worse = scores(noise=1)
    worse["pesq_wb"] = worse["pesq_wb"] - 0.6
    old, new = write_run(tmp_path / "old", scores()), write_run(tmp_path / "new", worse)
    return evaluate(old, new, policy())


def test_gate_json_is_strict_and_holds_the_verdict_its_reasons_and_every_check(failing: GateResult) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(failing.to_json(), parse_constant=refuse)
    assert (content["verdict"], content["exit_code"]) == ("FAIL", 1)
    assert len(content["checks"]) == 7
    assert {entry["metric"] for entry in content["regressions"]} >= {"pesq_wb"}
    assert content["policy"]["metrics"]["pesq_wb"]["margin"] == 0.1


def test_junit_counts_what_it_holds_and_names_metric_and_slice(failing: GateResult) -> None:
    root = ElementTree.fromstring(to_junit(failing))
    cases = root.findall("testsuite/testcase")
    assert int(root.get("tests")) == len(cases) == 7
    assert int(root.get("failures")) == len(root.findall(".//failure")) == 2  # the metric and its tail
    assert {case.get("name") for case in cases} >= {"pesq_wb", "pesq_wb tail", "utterances lost"}


def test_junit_shows_a_broken_evaluation_as_an_error_and_an_undecided_check_as_skipped() -> None:
    broken = ElementTree.fromstring(to_junit(result(refusals=("no\x00 such \ud800 run",))))
    assert (broken.get("errors"), len(broken.findall(".//error"))) == ("1", 1)
    undecided = ElementTree.fromstring(to_junit(result(check("INCONCLUSIVE"), check("INCONCLUSIVE", "report"))))
    assert len(undecided.findall(".//skipped")) == 1


def test_markdown_is_a_table_with_a_row_a_check_and_names_what_fell(failing: GateResult) -> None:
    text = to_markdown(failing, "gate/index.html")
    assert text.startswith("## ❌ FAIL: worse than the baseline\n")
    assert sum(line.startswith("| full |") for line in text.splitlines()) == 7
    assert "Utterances that fell far" in text and failing.regressions[0].utterance in text


def test_text_from_a_run_cannot_break_the_table_or_mention_people() -> None:
    text = to_markdown(result(check("FAIL", metric=HOSTILE, note=HOSTILE)))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    unescaped = [row.replace("\\|", "").count("|") for row in rows]
    assert set(unescaped) == {8}
    assert "@team" not in text and "<script>" not in text.replace("\\<script\\>", "")


@given(st.integers(300, 5000), st.integers(0, 80))
def test_markdown_stays_below_its_cap_in_bytes_and_says_that_it_was_cut(cap: int, count: int) -> None:
    text = to_markdown(
        result(*[check("FAIL", metric=f"metric−{i}") for i in range(count)], refusals=()), most_bytes=cap
    )
    assert len(text.encode()) <= cap
    whole = to_markdown(result(*[check("FAIL", metric=f"metric−{i}") for i in range(count)]))
    assert text == whole or text.endswith("`gate.json` holds everything\n")


@given(st.integers(1, 40))
def test_there_are_at_most_ten_annotations_and_the_last_counts_the_rest(count: int) -> None:
    lines = annotations(result(refusals=tuple(f"reason {i}" for i in range(count))))
    assert len(lines) == min(count, MOST_ERRORS)
    if count > MOST_ERRORS:
        assert f"and {count - MOST_ERRORS + 1} more" in lines[-1]


def test_an_annotation_is_one_line_that_gives_no_command_of_its_own() -> None:
    (line,) = annotations(result(refusals=(HOSTILE,)))
    assert "\n" not in line
    assert line.startswith("::error title=streamflow gate%3A BROKEN::")
    assert "%250A" in line and "%0A#" in line


def test_github_is_told_only_on_github_and_the_summary_is_added_to(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("what another command wrote\n")
    told = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    assert tell_github(result(check("FAIL")), environment={"GITHUB_STEP_SUMMARY": str(summary)}) == []
    assert summary.read_text() == "what another command wrote\n"
    assert len(tell_github(result(check("FAIL")), environment=told)) == 1
    assert summary.read_text().startswith("what another command wrote\n## ❌ FAIL")


def test_the_files_are_written_together(tmp_path: Path, failing: GateResult) -> None:
    write_files(failing, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gate.json", "gate.md", "junit.xml"]


@given(st.text(max_size=60))
def test_escaped_text_stays_in_its_line(text: str) -> None:
    assert len(escaped(text).splitlines()) <= 1

"""The judgement itself: how often it errs, and what one odd utterance does to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from make_runs import MARGINS, policy, scores, write_run
from scipy import stats

from harness.gate.checks import Check
from harness.gate.evaluate import evaluate
from harness.gate.gated_metrics import GatedMetric
from harness.gate.policy import MetricRule, SliceRule
from harness.gate.system_pairs import SystemPair
from harness.gate.verdicts import corrected, judge

SYSTEM = SystemPair("full", "full")
PESQ = GatedMetric("pesq_wb", "pesq_wb[1.0]", "MOS-LQO", 1, MetricRule(margin=0.1))


def rows(differences: np.ndarray, speakers: int | None = None) -> pandas.DataFrame:
    n = len(differences)
    return pandas.DataFrame({"difference": differences, "speaker": [f"s{i % (speakers or n)}" for i in range(n)]})


def test_bounds_are_yuens_by_scipys_winsorising_where_utterances_are_independent() -> None:
    differences = np.random.default_rng(0).normal(-0.03, 0.1, 50)
    check = judge(rows(differences), SYSTEM, PESQ, policy(clusters="none"))
    winsorised = stats.mstats.winsorize(differences, (0.2, 0.2)).data
    kept = 50 - 2 * 10
    se = np.sqrt(winsorised.var() * 50 / (kept * (kept - 1)))  # Yuen, Biometrika 61, 1974
    half = stats.t.ppf(0.95, kept - 1) * se
    assert check.estimate == pytest.approx(stats.trim_mean(differences, 0.2), abs=1e-12)
    assert check.low == pytest.approx(check.estimate - half, abs=1e-12)
    assert check.high == pytest.approx(check.estimate + half, abs=1e-12)


@pytest.mark.parametrize("n", [10, 20, 50])
def test_at_the_margin_it_passes_and_fails_at_most_about_as_often_as_it_says(n: int) -> None:
    """Differences with one outlier in fifty of ten deviations: where gates on the mean pass 18 to 28 % (notes D)."""
    rng, passed, failed, rounds = np.random.default_rng(n), 0, 0, 800
    for _ in range(rounds):
        differences = rng.normal(0, 0.1, n)
        outliers = rng.random(n) < 0.02
        differences = differences - PESQ.rule.margin - outliers * 1.0
        verdict = judge(rows(differences), SYSTEM, PESQ, policy(clusters="none")).verdict
        passed, failed = passed + (verdict == "PASS"), failed + (verdict == "FAIL")
    assert passed / rounds < 0.08  # 5 % and three standard errors
    assert failed / rounds < 0.12  # the outliers really are worse than the margin


def test_one_pesq_outlier_in_fifty_does_not_flip_the_verdict(tmp_path: Path) -> None:
    for shift, expected in ((0.0, "PASS"), (-0.2, "FAIL")):
        for fall in (-1.5, 1.5):
            old, new = scores(50, 3), scores(50, 3, noise=1)
            new["pesq_wb"] = new["pesq_wb"] + shift
            clean = evaluate(*_two(tmp_path, f"clean{shift}{fall}", old, new), policy())
            new["pesq_wb"][17] += fall
            odd = evaluate(*_two(tmp_path, f"odd{shift}{fall}", old, new), policy())
            assert clean.verdict == odd.verdict == expected
            for a, b in zip(clean.checks, odd.checks, strict=True):
                assert a.verdict == b.verdict, a.name


def test_the_tail_gate_sees_what_trimming_hides(tmp_path: Path) -> None:
    old, new = scores(50, 3), scores(50, 3, noise=1)
    new["pesq_wb"][[3, 30]] -= 1.5
    result = evaluate(*_two(tmp_path, "tail", old, new), policy())
    assert result.verdict == "FAIL"
    assert [(check.kind, check.metric) for check in result.holding] == [("tail", "pesq_wb")]
    assert [fall.utterance for fall in result.regressions[:2]] in (["u003", "u030"], ["u030", "u003"])
    assert all(fall.far for fall in result.regressions[:2])


def test_a_run_passes_against_itself(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", scores())
    result = evaluate(run, run, policy())
    assert result.verdict == "PASS"
    assert all(check.estimate == 0 for check in result.checks)


@pytest.mark.parametrize("metric", sorted(MARGINS))
def test_a_clear_loss_in_any_one_metric_fails_and_names_it(tmp_path: Path, metric: str) -> None:
    old, new = scores(), scores(noise=1)
    sign = -1 if metric == "mel_distance" else 1
    new[metric] = new[metric] - 2 * sign * MARGINS[metric]
    result = evaluate(*_two(tmp_path, metric, old, new), policy())
    assert result.verdict == "FAIL"
    assert {check.metric for check in result.holding} == {metric}


def test_too_little_data_is_inconclusive_with_the_number_that_would_decide(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    old = scores(12, 1)
    new = {name: values + rng.normal(0, MARGINS[name] * 2, values.shape) for name, values in old.items()}
    result = evaluate(*_two(tmp_path, "few", old, new), policy(tail=None))
    assert result.verdict == "INCONCLUSIVE"
    assert all(check.needed_n > 12 for check in result.holding)
    assert any(str(check.needed_n) in reason for check, reason in zip(result.holding, result.reasons(), strict=True))


def test_the_number_that_would_decide_is_the_one_at_which_the_bound_meets_the_margin() -> None:
    differences = np.random.default_rng(1).normal(-0.06, 0.15, 30)
    check = judge(rows(differences), SYSTEM, PESQ, policy(clusters="none", trim=0.0))
    assert check.verdict == "INCONCLUSIVE"
    more = np.resize(differences, 30 * -(-check.deciding_n // 30))
    assert judge(rows(more), SYSTEM, PESQ, policy(clusters="none", trim=0.0)).verdict != "INCONCLUSIVE"
    fewer = np.resize(differences, 30 * max(1, check.deciding_n // 60))
    assert judge(rows(fewer), SYSTEM, PESQ, policy(clusters="none", trim=0.0)).verdict == "INCONCLUSIVE"


def test_a_failure_must_survive_holms_correction_and_a_pass_needs_none() -> None:
    def check(verdict: str, p: float) -> Check:
        return Check(kind="quality", system="full", metric="m", verdict=verdict, estimate=-1, margin=1, p_fail=p)

    found = corrected([check("FAIL", 0.001), check("FAIL", 0.03), check("PASS", 0.9)], 0.95)
    assert [c.verdict for c in found] == ["FAIL", "INCONCLUSIVE", "PASS"]
    assert [round(c.p_holm, 3) for c in found] == [0.003, 0.06, 0.9]


def test_a_slice_that_got_worse_fails_though_the_whole_does_not(tmp_path: Path) -> None:
    old, new = scores(60, 3), scores(60, 3, noise=1)
    new["pesq_wb"][::6] -= 0.5  # one of six speakers
    old_run, new_run = (write_run(tmp_path / n, v, speakers=6) for n, v in (("o", old), ("n", new)))
    sliced = policy(tail=None, slices=(SliceRule(by="speaker", fewest=8),))
    assert evaluate(old_run, new_run, policy(tail=None)).verdict == "PASS"
    result = evaluate(old_run, new_run, sliced)
    assert result.verdict == "FAIL"
    assert [(check.part, check.metric) for check in result.holding] == [("speaker s0", "pesq_wb")]


def test_a_slice_that_cannot_decide_holds_nothing_up_unless_it_must_pass(tmp_path: Path) -> None:
    old, new = scores(60, 3), scores(60, 3, noise=1)
    new["estoi"][::6] += np.resize([-0.02, 0.02], (10, 1))
    runs = [write_run(tmp_path / n, v, speakers=6) for n, v in (("o", old), ("n", new))]
    bear = evaluate(*runs, policy(tail=None, slices=(SliceRule(by="speaker"),)))
    assert bear.verdict == "PASS"
    assert any(check.verdict == "INCONCLUSIVE" for check in bear.checks)
    demand = evaluate(*runs, policy(tail=None, slices=(SliceRule(by="speaker", must="pass"),)))
    assert demand.verdict == "INCONCLUSIVE"


def test_slices_that_are_too_small_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", scores(24))
    result = evaluate(
        run, run, policy(slices=(SliceRule(by="speaker", fewest=8), SliceRule(by="words", edges=(2,), fewest=2)))
    )
    assert "slices by speaker: 8 of 8 hold fewer than 8 utterances, left out" in result.notes
    assert {check.part for check in result.checks} == {"all"}


def test_a_system_that_renders_nothing_fails_and_is_not_called_a_broken_evaluation(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores())
    new = write_run(tmp_path / "new", scores(), failures=[("full", i, "decode") for i in range(24)])
    result = evaluate(old, new, policy())
    assert result.verdict == "FAIL"
    assert any("24 of 24, 0 allowed" in reason for reason in result.reasons())


def _two(tmp_path: Path, name: str, old: dict, new: dict) -> tuple[Path, Path]:
    return write_run(tmp_path / name / "old", old), write_run(tmp_path / name / "new", new)

"""A/A: what the baseline's own seeds say of the gate."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_runs import policy, scores, write_run

from harness.gate.calibration import _halves, noise_scale
from harness.gate.evaluate import evaluate


def test_seeds_of_the_same_weights_calibrate_and_say_what_share_of_splits_passed(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(i), scores(24, 4, noise=i)) for i in range(2)]
    found = evaluate(*runs, policy(calibration="required")).calibration
    assert (found.status, found.splits) == ("passed", 3)
    assert found.passed == 1.0


def test_a_baseline_whose_seeds_differ_by_more_than_the_margin_is_refused(tmp_path: Path) -> None:
    drifting = scores(24, 2)
    drifting["pesq_wb"][:, 1] -= 0.5  # such as a seed that was decoded with other weights
    base = write_run(tmp_path / "base", drifting)
    result = evaluate(base, write_run(tmp_path / "new", scores(24, 2, noise=1)), policy(calibration="if possible"))
    assert (result.verdict, result.exit_code) == ("BROKEN", 4)
    assert "the baseline FAILs against itself by pesq_wb" in result.reasons()[0]
    assert not result.checks


def test_a_tail_that_seeds_alone_fill_is_a_problem_of_the_policy(tmp_path: Path) -> None:
    wild = scores(24, 2)
    wild["pesq_wb"][::4, 1] -= 1.0
    wild["pesq_wb"][1::4, 1] += 1.0
    base = write_run(tmp_path / "base", wild)
    result = evaluate(base, base, policy(calibration="if possible"))
    assert result.verdict == "BROKEN"
    assert any("tail: raise tail.margins" in problem for problem in result.calibration.problems)


def test_one_seed_is_said_and_refused_only_where_calibration_is_required(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / str(i), scores(24, 1, noise=i)) for i in range(2)]
    borne = evaluate(*runs, policy(calibration="if possible"))
    assert borne.calibration.status == "not possible"
    assert borne.verdict == "PASS"
    assert any("not calibrated" in note for note in borne.notes)
    assert evaluate(*runs, policy(calibration="required")).verdict == "BROKEN"


def test_a_margin_too_fine_for_the_corpus_is_said_with_the_utterances_it_needs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = {name: v + rng.normal(0, 0.3, v.shape) * (name == "pesq_wb") for name, v in scores(12, 2).items()}
    base = write_run(tmp_path / "base", noisy)
    result = evaluate(base, base, policy(calibration="if possible", tail=None))
    assert any("pesq_wb is underpowered" in note and "utterances are needed" in note for note in result.notes)


def test_halves_are_scaled_to_the_noise_of_the_comparison_that_is_gated() -> None:
    """The variance of a difference of means over K and L seeds goes with 1/K + 1/L: by simulation."""
    rng = np.random.default_rng(0)

    def deviation(k: int, m: int) -> float:
        return float(
            (rng.standard_normal((40_000, k)).mean(axis=1) - rng.standard_normal((40_000, m)).mean(axis=1)).std()
        )

    for gated, halves in (((3, 3), (1, 2)), ((4, 4), (2, 2)), ((2, 1), (1, 1))):
        assert noise_scale(gated, halves) == pytest.approx(deviation(*gated) / deviation(*halves), rel=0.02)


@given(st.integers(1, 7))
def test_every_way_to_split_the_seeds_is_tried_once(count: int) -> None:
    seeds = list(range(count))
    halves = list(_halves(seeds))
    assert all(sorted(a + b) == seeds and 0 <= len(b) - len(a) <= 1 for a, b in halves)
    ways = math.comb(count, count // 2) // (1 if count % 2 else 2)
    assert len({frozenset(half) for half in halves}) == len(halves) == (ways if count > 1 else 0)

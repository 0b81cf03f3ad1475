"""Policies: what a file may say, and what is said of one that is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate.policy import READY, Policy, PolicyError, TailRule, load_policy, ready_policies, trim_for
from harness.metrics import REGISTRY
from harness.statistics import trim_of


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    return path


def test_the_ready_policy_can_be_read_and_names_metrics_that_exist_and_have_a_direction() -> None:
    policy = load_policy()
    assert policy.name == "default"
    assert "default" in ready_policies()
    required = [name for name, rule in policy.metrics.items() if rule.required]
    assert required
    assert all(REGISTRY[name].direction for name in required)
    assert all(REGISTRY[name].standard for name in required), "a run that names no metrics must be gateable"


def test_the_ready_policy_writes_out_every_key_so_that_a_copy_shows_what_there_is() -> None:
    table = tomllib.loads((READY / "default.toml").read_text())
    assert {item.name for item in fields(Policy)} - set(table) <= {"systems", "trim"}


def test_error_rates_are_gated_in_per_cent_and_by_their_mean() -> None:
    rules = load_policy().metrics
    assert [(rules[name].margin, rules[name].tail_margins, rules[name].trim) for name in ("wer", "cer")] == [
        (1.0, 20.0, 0.0),
        (0.5, 20.0, 0.0),
    ]


def test_differences_are_trimmed_as_in_reports_unless_the_policy_or_the_metric_says_otherwise(tmp_path: Path) -> None:
    names = ("pesq_wb", "f0_median_cents", "estoi", "wer")
    assert [trim_for(name, load_policy().metrics[name].trim, None) for name in names] == [0.2, 0.2, 0.0, 0.0]
    assert [trim_of(name) for name in names] == [0.2, 0.2, 0.0, 0.0]
    ours = load_policy(written(tmp_path, "trim = 0.1\n[metrics.estoi]\nmargin = 1\ntrim = 0.3\n"))
    assert trim_for("estoi", ours.metrics["estoi"].trim, ours.trim) == 0.3
    assert trim_for("pesq_wb", None, ours.trim) == 0.1


def test_a_policy_that_extends_another_changes_only_what_it_says(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'extends = "default"\nname = "ours"\n[metrics.pesq_wb]\nmargin = 0.05\n[metrics]\nestoi = false\n'
    )
    ours, ready = load_policy(path), load_policy()
    assert ours.metrics["pesq_wb"].margin == 0.05
    assert "estoi" not in ours.metrics
    assert ours.metrics["mel_distance"] == ready.metrics["mel_distance"]
    assert ours.tail == ready.tail


def test_a_policy_may_extend_a_file_beside_it_but_not_itself(tmp_path: Path) -> None:
    (tmp_path / "team.toml").write_text("[metrics.estoi]\nmargin = 0.02\n")
    assert load_policy(written(tmp_path, 'extends = "team.toml"\nlevel = 0.9\n')).metrics["estoi"].margin == 0.02
    with pytest.raises(PolicyError, match="extends itself"):
        load_policy(written(tmp_path, 'extends = "gate.toml"\n'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[metrics.pesq_wb]\nmargn = 0.1\n", "unknown key 'margn', did you mean 'margin'"),
        ("[metrics.pesq_wb]\n", "no margin; add one"),
        ("[metrics.pesq_wb]\nmargin = 0\n", "must be a number above 0"),
        ("[metrics.pesq_wb]\nmargin = true\n", "must be a number above 0"),
        ("[metrics.pesq_wb]\nmargin = nan\n", "must be a number above 0"),
        ('seeds = "some"\n[metrics.estoi]\nmargin = 1\n', "must be one of 'same', 'any'"),
        ("trim = 0.5\n[metrics.estoi]\nmargin = 1\n", "at least 0.0 and below 0.5"),
        ("lost = 0.5\n[metrics.estoi]\nmargin = 1\n", "whole number"),
        ("[[slices]]\nby = 'mood'\n[metrics.estoi]\nmargin = 1\n", "must be one of 'speaker', 'split'"),
        ("[latency]\nrtf = 0.9\n[metrics.estoi]\nmargin = 1\n", "at least 1.0"),
        ("level = 0.9\n", "no metrics"),
        ("level 0.9\n", "not TOML"),
    ],
)
def test_a_wrong_policy_is_refused_by_the_name_of_its_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message) as caught:
        load_policy(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_policy_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(PolicyError, match=r"no such policy.*default"):
        load_policy("strict")


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_the_tail_always_allows_one_and_never_much_more_than_its_share(n: int, share: float) -> None:
    allowed = TailRule(share=share).allowed(n)
    assert max(1, share * n - 1e-6) <= allowed <= share * n + 1


def test_a_mistyped_metric_is_a_mistake_of_the_policy(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text('extends = "default"\n[metrics.pesq]\nmargin = 1\n')
    with pytest.raises(PolicyError, match=r"no metric is called 'pesq', did you mean 'pesq_.b'\?"):
        load_policy(path)
    path.write_text('extends = "default"\n[metrics.own]\nmargin = 1\ndirection = "higher"\n')
    assert load_policy(path).metrics["own"].margin == 1

"""Policies: what a file may say, and what is said of one that is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate.policy import READY, Policy, PolicyError, TailRule, load_policy, ready_policies
from harness.metrics import REGISTRY


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
    assert {item.name for item in fields(Policy)} - set(table) <= {"systems"}


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

"""Promoted runs: whole, unchanged, and with a memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from make_runs import policy, scores, write_run

from harness.gate.baseline import BaselineError, find, history, promote
from harness.gate.evaluate import evaluate
from harness.run import Run
from streamflow.errors import StreamflowError


def sounds(count: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"u{i:03d}": rng.uniform(-0.5, 0.5, 3200).astype(np.float32) for i in range(count)}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "runs" / "first", scores(6, 2), audio=sounds())


def test_a_promoted_run_is_a_run_with_its_audio_and_outlives_the_one_it_is_a_copy_of(tmp_path: Path, run: Path) -> None:
    (run / ".inputs").mkdir()
    (run / ".inputs" / "u000.npz").write_bytes(b"large")
    held = promote(run, store=tmp_path / "store")
    before = Run(run).audio("full", "u001", 1)
    shutil.rmtree(run)
    kept = Run(held.path)
    np.testing.assert_array_equal(kept.audio("full", "u001", 1), before)
    assert len(kept.scores()) == 36
    assert not (held.path / ".inputs").exists()
    assert find("main", tmp_path / "store") == held


def test_promoting_the_same_run_again_adds_a_line_and_no_copy(tmp_path: Path, run: Path) -> None:
    first, second = promote(run, store=tmp_path / "store"), promote(run, store=tmp_path / "store", note="again")
    assert first.path == second.path
    assert [entry["note"] for entry in history("main", tmp_path / "store")] == ["", "again"]


@pytest.mark.parametrize("victim", ["scores.parquet", "audio/full/u002.flac", "run.toml"])
def test_a_promoted_run_that_was_changed_is_refused(tmp_path: Path, run: Path, victim: str) -> None:
    held = promote(run, store=tmp_path / "store")
    path = held.path / victim
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(BaselineError, match="changed since it was promoted"):
        find("main", tmp_path / "store")


def test_a_file_that_was_added_or_removed_is_a_change_too(tmp_path: Path, run: Path) -> None:
    held = promote(run, store=tmp_path / "store")
    (held.path / "more.txt").touch()
    with pytest.raises(BaselineError, match="changed"):
        find("main", tmp_path / "store")


def test_the_anchor_stays_the_first_until_it_is_renewed(tmp_path: Path, run: Path) -> None:
    store = tmp_path / "store"
    first = promote(run, store=store)
    second = promote(write_run(tmp_path / "b", scores(6, 2, noise=1)), store=store)
    assert (second.anchor, first.anchor) == (first.path, first.path)
    third = promote(write_run(tmp_path / "c", scores(6, 2, noise=2)), store=store, new_anchor=True)
    assert third.anchor == third.path
    assert promote(run, store=store).anchor == third.path


def test_small_steps_that_each_pass_are_held_back_by_the_anchor(tmp_path: Path) -> None:
    """Each step loses 0.06 PESQ, within the margin of 0.1; after three, 0.18 are gone."""
    store, verdicts = tmp_path / "store", []
    held = promote(write_run(tmp_path / "0", scores(50, 3)), store=store)
    for step in (1, 2, 3):
        worse = scores(50, 3, noise=step)
        worse["pesq_wb"] = worse["pesq_wb"] - 0.06 * step
        new = write_run(tmp_path / str(step), worse)
        result = evaluate(held.path, new, policy(), anchor=held.anchor)
        alone = evaluate(held.path, new, policy())
        assert alone.verdict == "PASS", "the step itself is within the margin"
        verdicts.append(result.verdict)
        held = promote(new, store=store)
    assert verdicts[0] == "PASS"
    assert verdicts[-1] == "FAIL"
    assert {(check.metric, check.against) for check in result.holding} == {("pesq_wb", "anchor")}


def test_what_would_weaken_every_later_gate_is_not_promoted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    failed = write_run(tmp_path / "failed", scores(6, 1), failures=[("full", 2, "decode")])
    with pytest.raises(BaselineError, match=r"1 failures \(u002\).*--with-failures"):
        promote(failed, store=store)
    assert promote(failed, store=store, with_failures=True).path.is_dir()
    with pytest.raises(BaselineError, match="no decoder in it"):
        promote(write_run(tmp_path / "controls", scores(6, 1), systems=("copy-synthesis",)), store=store)
    unscored = write_run(tmp_path / "unscored", {name: np.full((6, 1), np.nan) for name in scores()})
    with pytest.raises(BaselineError, match="no scores"):
        promote(unscored, store=store)
    with pytest.raises(BaselineError, match="use letters"):
        promote(failed, "../main", store)
    with pytest.raises(StreamflowError, match="not a run"):
        promote(tmp_path, store=store)


def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, run: Path) -> None:
    with pytest.raises(BaselineError, match="promote one with"):
        find("main", tmp_path / "store")
    promote(run, "nightly", tmp_path / "store")
    with pytest.raises(BaselineError, match="there are nightly"):
        find("main", tmp_path / "store")


def test_a_failed_promotion_leaves_the_store_as_it_was(tmp_path: Path, run: Path) -> None:
    store = tmp_path / "store"
    held = promote(run, store=store)
    with pytest.raises(BaselineError):
        promote(write_run(tmp_path / "x", scores(6, 1), failures=[("full", 0, "decode")]), store=store)
    assert find("main", store) == held
    assert not (store / "main" / ".new").exists()


def test_the_corpus_is_found_from_another_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    run = write_run(checkout / "runs" / "first", scores(6, 2))
    text = (run / "run.toml").read_text().replace('"manifest.csv"', f'"{checkout}/corpus/manifest.csv"')
    (run / "run.toml").write_text(text)
    held = promote(run, store=checkout / "baselines")
    moved = tmp_path / "elsewhere"
    checkout.rename(moved)
    path = held.path.relative_to(checkout)
    corpus = (moved / path / Run(moved / path).experiment["corpus"]).resolve()
    assert corpus == moved / "corpus" / "manifest.csv"
    assert find("main", moved / "baselines").sha256 == held.sha256

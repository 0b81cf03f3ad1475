"""What two runs must have in common before anything is said of either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from make_runs import policy, scores, write_run

from harness.gate.evaluate import evaluate
from harness.gate.pairing import pair_runs
from harness.gate.policy import MetricRule
from harness.gate.refusal import GateRefusedError
from harness.run import Run

SILENT = "the rendering is silent (peak below -80 dBFS)"


def pair(a: Path, b: Path, rules=None, systems=()):
    return pair_runs(Run(a), Run(b), rules or policy(), systems)


def refusal(a: Path, b: Path, rules=None, systems=()) -> str:
    with pytest.raises(GateRefusedError) as caught:
        pair(a, b, rules, systems)
    assert all("\n" not in reason for reason in caught.value.reasons)
    return str(caught.value)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_run(tmp_path / "base", scores())


def test_seeds_are_averaged_within_the_utterance_and_differences_fall_when_it_is_worse(
    tmp_path: Path, base: Path
) -> None:
    worse = {name: values.copy() for name, values in scores().items()}
    worse["pesq_wb"] -= np.array([0.0, 0.3, 0.6])
    worse["mel_distance"] += np.array([0.0, 0.1, 0.2])
    found = pair(base, write_run(tmp_path / "new", worse)).scores
    by_metric = found.groupby("metric")["difference"]
    assert (by_metric.count() == 24).all()
    np.testing.assert_allclose(found.loc[found["metric"] == "pesq_wb", "difference"], -0.3, atol=1e-12)
    np.testing.assert_allclose(found.loc[found["metric"] == "mel_distance", "difference"], -0.1, atol=1e-12)
    np.testing.assert_allclose(found.loc[found["metric"] == "estoi", "difference"], 0, atol=1e-12)


def test_every_reason_is_given_at_once(tmp_path: Path, base: Path) -> None:
    fewer = {name: values[:20] for name, values in scores().items()}
    new = write_run(tmp_path / "new", fewer, audio_hash="b", identity="1.1", chunk=1920, seeds=(5, 6, 7))
    text = refusal(base, new)
    assert "lacks 4 of 24 utterances (u020, u021, u022 and 1 more)" in text
    assert "20 recordings differ" in text
    assert "pesq_wb[1.0]" in text and "pesq_wb[1.1]" in text
    assert "chunks of 20 utterances meet elsewhere" in text
    assert "seeds of full: 0, 1, 2 in the baseline and 5, 6, 7 in the candidate" in text


def test_other_seeds_and_other_chunks_are_compared_where_the_policy_allows_it(tmp_path: Path, base: Path) -> None:
    new = write_run(tmp_path / "new", scores(seeds=2, noise=1), seeds=(8, 9), chunk=1920)
    assert "seeds" in refusal(base, new, policy(chunking="any"))
    assert "chunking" in refusal(base, new, policy(seeds="any"))
    found = pair(base, new, policy(seeds="any", chunking="any"))
    assert found.scores["difference"].notna().all()
    assert sum("the policy allows it" in note for note in found.notes) == 2


def test_look_ahead_that_differs_is_a_difference_of_chunking_and_a_solver_is_a_note(tmp_path: Path) -> None:
    def run(name: str, **described) -> Path:
        return write_run(tmp_path / name, scores(), descriptions={"full": {"strategy": "full", **described}})

    old = run("old", algorithmic_latency_s=0.48, parameters={"nfe": 4})
    assert "algorithmic_latency_s is 0.48 in the baseline and 0.24" in refusal(
        old, run("a", algorithmic_latency_s=0.24)
    )
    notes = pair(old, run("b", algorithmic_latency_s=0.48, parameters={"nfe": 10})).notes
    assert any("nfe differ from the baseline's" in note for note in notes)


def test_a_metric_that_disappeared_is_refused_and_not_passed(tmp_path: Path, base: Path) -> None:
    without = {name: values for name, values in scores().items() if name != "estoi"}
    assert "estoi: the candidate has no value of it" in refusal(base, write_run(tmp_path / "new", without))


def test_a_metric_of_which_nothing_could_be_scored_has_disappeared_too(tmp_path: Path, base: Path) -> None:
    values = scores()
    values["estoi"] = np.full_like(values["estoi"], np.nan)
    assert "estoi: the candidate has no value of it" in refusal(base, write_run(tmp_path / "new", values))


def test_a_few_absent_scores_are_borne_and_more_are_refused(tmp_path: Path, base: Path) -> None:
    values = scores()
    values["estoi"][3] = np.nan
    new = write_run(tmp_path / "new", values)
    found = pair(base, new, policy(missing=0.05))
    assert found.scores.query("metric == 'estoi'")["difference"].isna().sum() == 1  # for the tail gate to count
    assert "estoi of full: 1 of 24 scores are absent (u003), and the policy allows 2%" in refusal(base, new)


def test_a_rendering_that_failed_is_the_candidates_fault_and_not_the_evaluations(tmp_path: Path, base: Path) -> None:
    new = write_run(tmp_path / "new", scores(), failures=[("full", i, "decode") for i in range(6)])
    assert list(pair(base, new).lost["full"]) == [f"u{i:03d}" for i in range(6)]
    both = write_run(tmp_path / "both", scores(), failures=[("full", 0, "decode")])
    assert not pair(both, both, policy(missing=0.05)).lost["full"]


def test_systems_are_those_that_both_have_and_no_recordings(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores(), systems=("copy-synthesis", "full", "naive"))
    new = write_run(tmp_path / "new", scores(), systems=("copy-synthesis", "full", "window"))
    found = pair(write_run(tmp_path / "one", scores(), systems=("copy-synthesis", "full")), new)
    assert [system.name for system in found.systems] == ["full"]
    assert "window: in the candidate alone, not compared" in found.notes
    assert [s.name for s in pair(old, new, systems=["window=naive"]).systems] == ["window (naive)"]
    assert "no system 'naiv'; there are copy-synthesis, full, naive" in refusal(old, new, systems=["full=naiv"])


def test_a_decoder_that_the_candidate_lost_is_refused_unless_others_were_chosen(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores(), systems=("copy-synthesis", "full", "naive"))
    new = write_run(tmp_path / "new", scores(), systems=("full",))
    text = refusal(old, new)
    assert "the candidate lacks naive" in text and "--system full" in text
    assert evaluate(old, new, policy()).exit_code == 4
    assert evaluate(old, new, policy(), systems=["full"]).verdict == "PASS"
    assert evaluate(old, new, policy(systems=("full",))).verdict == "PASS"


@pytest.mark.parametrize("seeds", ["same", "any"])
def test_renderings_that_are_silent_in_one_seed_are_lost_and_named(tmp_path: Path, base: Path, seeds: str) -> None:
    new = write_run(tmp_path / "new", silent(column=1, of=slice(None)))
    blame(new, SILENT)
    result = evaluate(base, new, policy(seeds=seeds))
    assert result.verdict == "FAIL"
    (reason,) = result.reasons()
    assert f"24 of 24, 0 allowed; u000 (seed 1: {SILENT})" in reason
    assert {fall.utterance for fall in result.regressions if fall.far} >= {"u000", "u023"}
    assert evaluate(new, new, policy(seeds=seeds)).verdict == "PASS"  # both lack the same
    assert evaluate(base, base, policy(seeds=seeds)).verdict == "PASS"


def test_one_score_of_one_seed_that_only_the_candidate_lacks_is_lost(tmp_path: Path, base: Path) -> None:
    values = scores()
    values["estoi"][7, 2] = np.nan
    new = write_run(tmp_path / "new", values)
    assert pair(base, new).lost["full"] == {"u007": "estoi in seed 2: a process died"}
    assert evaluate(base, new, policy()).verdict == "FAIL"
    assert evaluate(base, new, policy(lost=1)).verdict == "PASS"
    assert evaluate(new, base, policy()).verdict == "PASS"


def test_a_row_that_is_not_there_at_all_is_lost_too(tmp_path: Path, base: Path) -> None:
    """A rendering that failed in one seed leaves no rows; the baseline's failure on the utterance must not hide it."""
    runs = [write_run(tmp_path / name, scores()) for name in ("old", "new")]
    for run, seeds in zip(runs, ([0], [0, 1]), strict=True):
        rows = pandas.read_parquet(run / "scores.parquet")
        rows[~((rows["utterance"] == "u003") & rows["seed"].isin(seeds))].to_parquet(run / "scores.parquet")
        row = {"system": "full", "utterance": "u003", "stage": "decode", "error": "ValueError: no"}
        pandas.DataFrame([row]).to_parquet(run / "failures.parquet")
    assert pair(*runs).lost["full"] == {"u003": "seed 1: decode: ValueError: no"}
    assert evaluate(runs[1], runs[1], policy()).verdict == "PASS"


def test_utterances_silent_in_every_seed_fail_and_are_not_called_a_broken_evaluation(
    tmp_path: Path, base: Path
) -> None:
    for count in (4, 24):
        new = write_run(tmp_path / f"new{count}", silent(column=slice(None), of=slice(count)))
        blame(new, SILENT)
        result = evaluate(base, new, policy())
        assert result.verdict == "FAIL", result.refusals
        assert any(f"utterances lost: {count} of 24" in reason for reason in result.reasons())


def silent(column, of) -> dict[str, np.ndarray]:
    values = scores()
    for array in values.values():
        array[of, column] = np.nan
    return values


def blame(run: Path, why: str) -> None:
    rows = pandas.read_parquet(run / "scores.parquet")
    rows["unscored_because"] = rows["unscored_because"].where(rows["value"].notna(), why)
    rows.to_parquet(run / "scores.parquet")


def test_a_direction_that_contradicts_the_registry_is_refused_with_both(tmp_path: Path, base: Path) -> None:
    rules = {"mel_distance": MetricRule(margin=0.1, direction="higher")}
    assert "mel_distance: lower is better by the registry, and the policy says 'higher'" in refusal(
        base, base, policy(metrics=rules)
    )
    agreed = {"mel_distance": MetricRule(margin=0.1, direction="lower")}
    assert [metric.sign for metric in pair(base, base, policy(metrics=agreed)).metrics] == [-1]


def test_an_optional_metric_that_only_the_candidate_lacks_is_refused(tmp_path: Path, base: Path) -> None:
    rules = {"pesq_wb": MetricRule(margin=0.1), "estoi": MetricRule(margin=0.01, required=False)}
    without = write_run(tmp_path / "new", {name: v for name, v in scores().items() if name != "estoi"})
    assert "estoi: the candidate has no value of it" in refusal(base, without, policy(metrics=rules))
    added = pair(without, base, policy(metrics=rules))
    assert [metric.name for metric in added.metrics] == ["pesq_wb"]
    assert any("estoi: the baseline has no value of it, not gated" in note for note in added.notes)


def test_two_runs_of_one_system_each_are_compared_whatever_they_call_it(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", scores(), systems=("vendor v1",))
    new = write_run(tmp_path / "new", scores(), systems=("vendor (v2)",))
    assert [(s.candidate, s.baseline) for s in pair(old, new).systems] == [("vendor (v2)", "vendor v1")]
    two = write_run(tmp_path / "two", scores(), systems=("a", "b"))
    assert "say which with --system NEW=OLD" in refusal(old, two)


def test_recordings_are_compared_by_their_samples_where_no_hash_is_kept(tmp_path: Path) -> None:
    values = {name: v[:2] for name, v in scores().items()}
    rng = np.random.default_rng(0)
    sounds = {f"u{i:03d}": rng.uniform(-0.5, 0.5, 3200).astype(np.float32) for i in range(2)}
    runs = [write_run(tmp_path / name, values, audio=sounds) for name in ("a", "b")]
    other = write_run(tmp_path / "c", values, audio={**sounds, "u001": sounds["u000"]})
    for run in (*runs, other):
        (run / "provenance.json").write_text("{}")
    assert len(pair(*runs).scores) == 6
    assert "1 recordings differ (u001)" in refusal(runs[0], other)


def test_the_same_file_read_in_another_way_is_another_recording(tmp_path: Path) -> None:
    values = {name: v[:2] for name, v in scores().items()}
    sounds = {f"u{i:03d}": np.random.default_rng(i).uniform(-0.5, 0.5, 3200).astype(np.float32) for i in range(2)}
    quieter = {name: samples / 2 for name, samples in sounds.items()}
    runs = [write_run(tmp_path / name, values, audio=audio) for name, audio in (("a", sounds), ("b", quieter))]
    assert len(pair(*runs).scores) == 6  # the hashes of the files are the same
    with (runs[1] / "run.toml").open("a") as file:
        file.write("\n[rendered]\nloudness = -23.0\n")
    assert "2 recordings differ" in refusal(*runs)

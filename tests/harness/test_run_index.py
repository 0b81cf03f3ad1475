"""Runs at a glance: what they are, how far they are, and that what changed is seen."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas
import pytest

from harness.run import RunFolder
from harness.run_index import RunIndex, matching
from harness.storage import locked

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from make_run import SYSTEMS, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("made") / "first")
    failures = folder / "failures.parquet"
    pandas.read_parquet(failures).iloc[:0].to_parquet(failures)  # and the one that was lost is found
    latency = pandas.read_parquet(folder / "latency.parquet")
    found = latency.iloc[-1:].assign(system="naive", utterance="a&b 'long'")
    pandas.concat([latency, found]).to_parquet(folder / "latency.parquet")
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs" / "first")
    return tmp_path / "runs"


def test_a_run_is_known_without_its_tables(runs: Path) -> None:
    for table in (runs / "first").glob("*.parquet"):  # they are looked at, their rows are not
        if table.stem in ("traces", "seams", "profiles", "jumps"):
            table.write_bytes(b"not read")
    (run,) = RunIndex(runs).runs()
    assert (run.name, run.state, run.kind) == ("first", "complete", "decoded")
    assert run.systems == SYSTEMS and run.utterances == 6 and run.failures == 0
    assert run.seeds == (0,) and not run.has_report and not run.problem


def test_how_far_a_run_is(runs: Path) -> None:
    index, folder = RunIndex(runs), runs / "first"
    assert index.get("first").state == "complete"
    with locked(folder):
        assert index.get("first").state == "being written"
    assert index.get("first").state == "complete"
    failure = {"system": "full", "utterance": "u", "stage": "decode", "error": "ValueError: no"}
    RunFolder(folder).write_tables({"failures": [failure]})
    assert (index.get("first").state, index.get("first").failures) == ("with failures", 1)
    (folder / "scores.parquet").unlink()
    assert index.get("first").state == "unfinished"
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("<p>report")
    assert index.get("first").has_report
    (folder / "run.toml").write_text("not = [toml")
    assert index.get("first").state == "unreadable" and "run.toml" in index.get("first").problem


def test_a_run_that_was_interrupted_is_unfinished_though_it_has_tables(runs: Path) -> None:
    table = runs / "first" / "latency.parquet"
    rows = pandas.read_parquet(table)
    rows.iloc[:-3].to_parquet(table)
    assert RunIndex(runs).get("first").state == "unfinished"


def test_what_is_no_run_is_passed_over_and_what_comes_and_goes_is_seen(runs: Path) -> None:
    (runs / "gates" / "gate").mkdir(parents=True)
    shutil.copytree(runs / "first", runs / ".hidden")
    index = RunIndex(runs)
    assert [run.name for run in index.runs()] == ["first"]
    shutil.copytree(runs / "first", runs / "second")
    assert {run.name for run in index.runs()} == {"first", "second"}
    shutil.rmtree(runs / "first")
    assert [run.name for run in index.runs()] == ["second"] and index.get("first") is None
    assert RunIndex(runs / "nowhere").runs() == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("provenance.json", "null"), ("provenance.json", "[1]"), ("provenance.json", '"text"'),
        ("utterances.json", "[1, 2]"), ("utterances.json", '"text"'), ("utterances.json", '[{"speaker_id": [1]}]'),
        ("run.toml", 'corpus = "x"\nsystems = ["a"]'), ("run.toml", "systems = 3"),
    ],
)  # fmt: skip
def test_a_run_that_is_broken_in_any_way_costs_the_others_nothing(runs: Path, file: str, text: str) -> None:
    shutil.copytree(runs / "first", runs / "second")
    (runs / "second" / file).write_text(text)
    found = {run.name: run for run in RunIndex(runs).runs()}
    assert found["first"].state == "complete"
    assert found["second"].state == ("complete" if file == "provenance.json" else "unreadable")


def test_a_run_whose_file_is_a_link_to_nowhere_is_passed_over(runs: Path) -> None:
    (runs / "second").mkdir()
    (runs / "second" / "run.toml").symlink_to(runs / "nowhere")
    assert [run.name for run in RunIndex(runs).runs()] == ["first"]


def test_provenance_is_told_and_its_want_is_no_obstacle(runs: Path) -> None:
    told = {
        "created": "2026-01-02T03:04:05+00:00", "git": {"commit": "0123456789abcdef", "dirty": True},
        "hardware": {"cpu": "Some CPU", "cores": 2, "memory_gb": 8.0, "accelerator": None},
    }  # fmt: skip
    (runs / "first" / "provenance.json").write_text(json.dumps(told))
    run = RunIndex(runs).get("first")
    assert run.made.isoformat() == told["created"] and run.commit == "0123456789 with changes"
    assert run.hardware == "Some CPU, 2 cores, 8 GB"
    (runs / "first" / "provenance.json").unlink()
    assert RunIndex(runs).get("first").state == "complete"


def test_filters_narrow_and_none_hides_nothing(runs: Path) -> None:
    shutil.copytree(runs / "first", runs / "second")
    (runs / "second" / "run.toml").write_text('corpus = "other.csv"\ncheckpoint = "big"\nseed = 1\n[systems.full]\n')
    found = RunIndex(runs).runs()
    names = {run.name for run in found}
    assert {run.name for run in matching(found)} == names == {"first", "second"}
    assert [run.name for run in matching(found, system="naive")] == ["first"]
    assert [run.name for run in matching(found, corpus="other")] == ["second"]
    assert [run.name for run in matching(found, checkpoint="big", text="SECOND full")] == ["second"]
    assert matching(found, text="second naive") == []

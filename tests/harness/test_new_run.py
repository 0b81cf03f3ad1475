"""Comparisons asked for in a form, systems as lines, and how long they will take."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import SHIPPED
from harness.experiment import load_experiment
from harness.forecast import forecast
from harness.new_run import comparison, free_name, new_folder, read_form
from harness.run_index import RunIndex
from harness.system_lines import parse_system_line, parse_system_lines, system_line
from harness.systems import SystemSpec
from streamflow.errors import StreamflowError

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from make_run import make_run

NAMES = st.text("abcdefgh123", min_size=1, max_size=8)


@given(NAMES, st.sampled_from(["full", "streamflow-sr"]), st.integers(1, 32))
def test_a_line_says_a_system_and_is_read_back(name: str, strategy: str, nfe: int) -> None:
    for spec in (
        SystemSpec(name, strategy=strategy, parameters={"nfe": nfe}),
        SystemSpec(strategy, strategy=strategy),
        SystemSpec(name, object="decoder:Decoder"),
    ):
        assert parse_system_line(system_line(spec)) == spec


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("", "no systems"), ("full\nfull", "twice"), ("fulll", "fulll"), ("full,nef=2", "nef"), ("full,nfe", "key=value"),
        ("mine=decoder", "package.module:attribute"), ("mine=decoder:Decoder,x=1", "experiment file"), ("a/b:full", "name"),
    ],
)  # fmt: skip
def test_what_is_no_system_is_refused_in_a_line(lines: str, why: str) -> None:
    with pytest.raises(StreamflowError, match=why) as refused:
        parse_system_lines(lines)
    assert "\n" not in str(refused.value)


def test_a_form_becomes_the_experiment_that_the_command_line_reads(tmp_path: Path) -> None:
    lines = "full\n\nfast:streamflow-sr,nfe=2\n"
    wanted = read_form(corpus=str(SHIPPED), systems=lines, seeds="0, 1", metrics=["stoi"], limit=3)
    argv = comparison(wanted, tmp_path, "new")
    assert argv[0] == "compare" and argv[-2:] == ["--out", str(tmp_path / "new")]
    assert load_experiment(argv[2]) == wanted
    assert wanted.seeds == (0, 1) and wanted.limit == 3 and wanted.metric_names == ("stoi",)
    assert [spec.parameters for spec in wanted.systems] == [{}, {"nfe": 2}]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"corpus": ""}, "no corpus"), ({"corpus": "none.csv"}, "none.csv"), ({"seeds": "one"}, "whole numbers"),
        ({"seeds": ""}, "at least one"), ({"metrics": ["stio"]}, "stio"), ({"split": "nowhere"}, "nowhere"),
        ({"systems": ""}, "no systems"), ({"seeds": "0,-1"}, "seed -1"), ({"seeds": str(2**63)}, "from 0 to"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_carried_out_says_why(change: dict, why: str) -> None:
    with pytest.raises(StreamflowError, match=why):
        read_form(**({"corpus": str(SHIPPED), "systems": "full"} | change))


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "../out", "a/b", ".hidden", "a\0b", "two words", "tab\tbed", "ünder", "-x", "a?b", "a#b", "a&b", "a%b",
     "a" * 101],
)  # fmt: skip
def test_a_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StreamflowError, match="name"):
        new_folder(tmp_path, name)


def test_a_name_is_not_taken_twice(tmp_path: Path) -> None:
    assert free_name(tmp_path, "run") == "run" and new_folder(tmp_path, " run ") == tmp_path / "run"
    (tmp_path / "run").mkdir()
    assert free_name(tmp_path, "run") == "run-2"
    with pytest.raises(StreamflowError, match="exists already"):
        new_folder(tmp_path, "run")


def measured_run(path: Path) -> Path:
    """A run whose system ``full`` is the strategy of that name."""
    folder = make_run(path)
    text = (folder / "run.toml").read_text()
    (folder / "run.toml").write_text(text.replace('decoder = "full"', 'strategy = "full"'))
    return folder


def test_time_is_foretold_from_what_was_measured(tmp_path: Path) -> None:
    measured_run(tmp_path / "runs" / "first")
    runs = RunIndex(tmp_path / "runs").runs()
    known = read_form(corpus=str(SHIPPED), systems="full", limit=2, metrics=["none"])
    one = forecast(known, runs)
    assert one.utterances == 2 and one.renderings == 2 and one.score_s == 0.0 and one.unknown == ()
    table = runs[0].path / "latency.parquet"
    rtf = _mean_rtf(table, "full")
    assert one.decode_s == pytest.approx(rtf * one.speech_s)
    two = forecast(read_form(corpus=str(SHIPPED), systems="full", limit=2, seeds="0,1", metrics=["none"]), runs)
    assert two.decode_s == pytest.approx(2 * one.decode_s) and two.renderings == 4
    other = forecast(read_form(corpus=str(SHIPPED), systems="full,nfe=2\ncausal", limit=2), runs)
    assert other.unknown == ("full", "causal") and other.decode_s == 0.0 and other.score_s is None


def test_scoring_is_foretold_from_the_last_comparison_that_scored() -> None:
    wanted = read_form(corpus=str(SHIPPED), systems="full", limit=2)
    nothing = {"score": {"since": 0.0, "at": 0.0, "first": 0, "done": 0, "total": 0}}
    last = {"score": {"since": 100.0, "at": 130.0, "first": 1, "done": 11, "total": 11}}
    assert forecast(wanted, [], [{}, nothing, last]).score_s == pytest.approx(2 * 3.0)


def _mean_rtf(table: Path, system: str) -> float:
    import pandas

    rows = pandas.read_parquet(table)
    rows = rows[rows["system"] == system]
    return float((rows["rtf"] * rows["duration_s"]).sum() / rows["duration_s"].sum())


def test_a_table_that_changed_is_read_again(tmp_path: Path) -> None:
    folder = measured_run(tmp_path / "runs" / "first")
    index, wanted = RunIndex(tmp_path / "runs"), read_form(corpus=str(SHIPPED), systems="full", limit=1)
    assert forecast(wanted, index.runs()).unknown == ()
    (folder / "latency.parquet").unlink()
    assert forecast(wanted, index.runs()).unknown == ("full",)
    shutil.rmtree(folder)
    assert forecast(wanted, index.runs()).unknown == ("full",)

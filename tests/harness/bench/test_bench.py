"""The whole benchmark on tiny weights: it prints what it measured, keeps going, and can be interrupted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from harness.bench.bench_context import QUICK, Context
from harness.bench.entries import Entry, entries_of
from harness.bench.errors import BenchError
from harness.bench.registry import MEASUREMENTS, Measurement, chosen
from harness.bench.result import Result
from harness.bench.runner import carry_out
from harness.cli import app
from streamflow.errors import StreamflowError

TINY = replace(QUICK, histories_s=(0.8, 1.6), length_s=1.6, stream_s=0.4, most_streams=1)
NAMES = [m.name for m in MEASUREMENTS]


@pytest.fixture(scope="module")
def context(bundle) -> Context:
    names = ("full", "cosyvoice", "causal", "streamflow-sr")
    return Context(bundle, tuple(map(Entry.parse, names)), TINY)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "machine"])
def test_every_measurement_gives_a_table(context, name):
    report = carry_out(chosen([name]), context)
    assert report.failures == {}
    assert report.results[0].rows
    json.dumps(report.as_json())


def test_strategies_are_compared_with_full_and_cosyvoice_and_come_when_the_configuration_says(context):
    result = carry_out(chosen(["strategies"]), context).results[0]
    rows = {row["strategy"]: row for row in result.rows}
    assert rows["full"]["work / full"].ratio == pytest.approx(1)
    assert rows["full"]["algorithmic_s"] is None
    assert rows["streamflow-sr"]["algorithmic_s"] == pytest.approx(rows["streamflow-sr"]["measured_s"])
    assert rows["full"]["pauseless_s"] is None
    assert rows["streamflow-sr"]["pauseless_s"] == pytest.approx(rows["streamflow-sr"]["measured_s"] + 0.04)
    assert not any("did not come" in note for note in result.notes)


def test_algorithmic_latency_stands_beside_the_time_of_a_chunk(context):
    rows = {row["strategy"]: row for row in carry_out(chosen(["growth"]), context).results[0].rows}
    assert rows["streamflow-sr"]["algorithmic_s"] == context.systems["streamflow-sr"].algorithmic_latency_s > 0


def test_work_is_what_the_clock_says(bundle, clock):
    dit, entry = bundle.decoder("streamflow-sr"), Entry.parse("streamflow-sr")
    hook = dit.register_forward_pre_hook(lambda *_: clock.work(1.0))
    try:
        context = Context(bundle, (entry,), TINY, clock=clock)
        row = carry_out(chosen(["strategies"]), context).results[0].rows[0]
    finally:
        hook.remove()
    assert row["first packet_ms"] == pytest.approx(4000)  # one hop of four evaluations
    assert row["chunk_ms"] == pytest.approx(4000)
    assert row["rtf"] == pytest.approx(20 * 4 / 1.6)  # 160 frames are 20 hops of 8


def test_a_measurement_that_fails_is_told_and_the_next_is_made(context):
    def fails(_):
        raise RuntimeError("no memory")

    fine = Measurement("fine", "", lambda _: Result("fine", "t", [{"a": 1}]))
    report = carry_out([Measurement("bad", "", fails), fine], context)
    assert "no memory" in report.failures["bad"]
    assert [r.name for r in report.results] == ["fine"]


def test_an_interrupt_keeps_what_is_done(context):
    def interrupted(_):
        raise KeyboardInterrupt

    seen = []
    fine = Measurement("fine", "", lambda _: Result("fine", "t", [{"a": 1}]))
    report = carry_out([fine, Measurement("stop", "", interrupted), fine], context, seen.append)
    assert report.interrupted
    assert [r.name for r in report.results] == [r.name for r in seen] == ["fine"]


def test_the_verb_prints_and_writes(bundle, tmp_path):
    out = tmp_path / "bench.json"
    arguments = ["bench", "--checkpoint", str(bundle.directory), "--quick", "--only", "caching", "--threads", "1"]
    done = CliRunner().invoke(app, [*arguments, "--strategies", "cosyvoice,causal", "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "Recomputing against caching" in done.output
    result = json.loads(out.read_text())["results"]["caching"]
    assert {row["recomputed / cached"] for row in result["rows"]} == {"cosyvoice:cached=true", "causal:cached=true"}
    assert all(row["frames counted"] > 5 for row in result["rows"])


def test_a_size_is_measured_on_random_weights(tmp_path):
    out = tmp_path / "bench.json"
    arguments = ["--quick", "--only", "strategies", "--strategies", "streamflow-sr,naive", "--threads", "1"]
    done = CliRunner().invoke(app, ["bench", "--size", "tiny", "--device", "cpu", *arguments, "--json", str(out)])
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text())
    assert written["device"] == "cpu" and written["failures"] == {}
    assert {row["strategy"] for row in written["results"]["strategies"]["rows"]} == {"streamflow-sr", "naive"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "huge"], "unknown size huge"),
        (["--device", "gpu"], "unknown device gpu"),
        (["--only", "growht"], "did you mean 'growth'"),
        (["--strategies", "cosyvoice:cached"], "KEY=VALUE"),
        (["--strategies", "copy-synthesis"], "control"),
        (["--quick", "--long"], "opposites"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(bundle, arguments, said):
    done = CliRunner().invoke(app, ["bench", "--checkpoint", str(bundle.directory), *arguments])
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_entries_read_words_and_json_and_write_themselves():
    entry = Entry.parse("cosyvoice:cached=true+hop=2+solver=heun")
    assert entry.parameters == {"cached": True, "hop": 2, "solver": "heun"}
    assert Entry.parse(entry.with_(hop=3).label).parameters == entry.parameters | {"hop": 3}


def test_all_strategies_with_weights_are_measured_by_default(bundle):
    labels = [entry.label for entry in entries_of(None, bundle)]
    assert {"full", "cosyvoice", "streamflow-sr"} <= set(labels)
    assert "copy-synthesis" not in labels


def test_an_unknown_strategy_is_refused(bundle):
    with pytest.raises(StreamflowError, match="did you mean"):
        entries_of(["streamflow-rs"], bundle)
    with pytest.raises(BenchError):
        entries_of(["tokenizer"], bundle)

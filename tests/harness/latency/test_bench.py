"""What a bench measures, keeps, and says it could not measure."""

from __future__ import annotations

import _thread
import json
import shutil
import threading
import time
from functools import partial

import chunked
import numpy as np
import pandas
import pytest
from front_end import MelQuantiser
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import load_corpus
from harness.latency import Bench, bench_ratios, playout, read_bench
from harness.latency.bench import bench
from harness.latency.bench_tables import COLUMNS, LatencyError
from harness.latency.interrupts import interrupt
from harness.latency.measuring import van_der_corput
from harness.latency.paced import run_together
from harness.latency.plan import Settings, plan
from harness.latency.printing import load_note, tables_of
from harness.latency.speech import long_speech
from harness.run import Run, RunError, RunFolder
from streamflow.session import StreamRequest

from .conftest import LITTLE

ALONE = Settings(lengths_s=(1.0,), repeats=1, streams=(), interrupts=0)


def go(run, settings=LITTLE, **options):
    return bench(run, settings, front_end=MelQuantiser(), **options)


def request(tokens: int = 50, utterance_id: str = "u") -> StreamRequest:
    codes = np.zeros((tokens, 2), np.int64)
    return StreamRequest(
        utterance_id, np.zeros(4, np.float32), reference=np.zeros(tokens * 640, np.float32), tokens=codes
    )


# the plan


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_every_system_is_measured_at_every_length_and_repeat_once_and_goes_back_the_way_it_came(count, lengths, pairs):
    settings = Settings(lengths_s=tuple(range(1, lengths + 1)), repeats=2 * pairs, streams=(), interrupts=0)
    cells = list(plan([f"s{i}" for i in range(count)], settings))
    assert len(set(cells)) == len(cells) == count * lengths * 2 * pairs
    order = [(cell.system, cell.length_s) for cell in cells]
    for start in range(0, len(order), 2 * count * lengths):  # A-B-B-A: each pair of repeats reads the same backwards
        block = order[start : start + 2 * count * lengths]
        assert block == block[::-1]


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"lengths_s": ()}, "no lengths"),
        ({"lengths_s": (0.0,)}, "at least 0.04"),
        ({"lengths_s": (5.0, 5.0)}, "each once"),
        ({"streams": (0,)}, "at least 1"),
        ({"repeats": 0}, "at least 1"),
        ({"tokens_per_second": 0.0}, "positive"),
        ({"threads": 0}, "positive"),
    ],
)
def test_settings_that_cannot_be_measured_are_refused_in_one_line(wrong, part):
    with pytest.raises(LatencyError, match=part) as caught:
        Settings(**wrong)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 6))
def test_moments_of_interruption_cover_the_session_evenly_at_every_count(power):
    points = np.sort([0.0, *(van_der_corput(i) for i in range(1, 2**power)), 1.0])
    np.testing.assert_allclose(np.diff(points), 2.0**-power)


def test_a_machine_that_others_use_is_told_of(benched):
    quiet = read_bench(benched)
    quiet.sessions["load_average"] = 1.0
    assert load_note(quiet) is None
    quiet.sessions.loc[0, "load_average"] = quiet.settings["machine"]["cores"] + 3.0
    assert "upper bounds" in load_note(quiet)


# the bench of decoders that are python objects


def test_a_bench_has_every_table_with_every_cell(benched):
    result = read_bench(benched)
    for name, columns in COLUMNS.items():
        assert list(getattr(result, name).columns) == list(columns)
    assert result.systems == ["mine", "slow"]
    alone = result.single
    assert sorted(alone.groupby(["system", "length_s"]).size()) == [2] * 4
    assert sorted(alone["order"]) == list(range(8))
    together = result.sessions[result.sessions["clock"] == "wall"]
    assert together.groupby("system")["stream"].apply(list).to_dict() == {"mine": [0, 1], "slow": [0, 1]}
    assert len(result.interrupts) == 4
    assert len(result.playout) == 2 * 2 * (2 * 2 * 2) + 2 * (2 * 2)
    assert result.settings["machine"]["torch_threads"] >= 1
    assert len(result.settings["load_average"]) == 3
    assert result.settings["settings"]["lengths_s"] == [1.0, 2.0]
    assert sum(table.row_count for table in tables_of(result)) > 10


def test_chunks_add_up_to_their_sessions(benched):
    result = read_bench(benched)
    for session in result.sessions.to_dict("records"):
        same = result.chunks
        for name in ("system", "length_s", "repeat", "streams", "stream", "clock"):
            same = same[same[name] == session[name]]
        assert same["samples"].sum() == session["length_s"] * 16_000
        assert same["compute_s"].sum() == pytest.approx(session["work_s"], abs=5e-3)
        first = same.iloc[0]
        parts = [session[f"{part}_first_s"] for part in ("dit", "vocoder", "other")]
        assert session["waited_s"] + sum(parts) == pytest.approx(first["arrived_s"], abs=1e-6)
        assert sum(parts) == pytest.approx(session["first_packet_s"])
        assert session["waited_s"] == pytest.approx(8 / 25)


def test_a_slower_decoder_has_the_greater_ratio_and_the_work_it_says(benched):
    ratios = bench_ratios(read_bench(benched)).set_index("metric")["ratio"]
    assert ratios["rtf"] > 1 and ratios["chunk_p50"] > 1
    slow = read_bench(benched).single.query("system == 'slow'")
    assert (slow["dit_first_s"] >= 0.029).all()  # it sleeps 30 ms a chunk


def test_ratios_of_a_bench_are_geometric_means_over_its_repeats():
    rows = [
        {"system": system, "length_s": length_s, "repeat": repeat, "clock": "virtual"}
        | dict.fromkeys(("first_packet_s", "rtf", "chunk_p50_s"), seconds * length_s * (1 + repeat))
        for system, seconds in (("a", 1.0), ("b", 2.0))
        for length_s in (1.0, 3.0)
        for repeat in range(3)
    ]
    none = pandas.DataFrame()
    made = Bench(none, pandas.DataFrame(rows), none, none, {"systems": {"a": {}, "b": {}, "missing": {}}})
    for baseline, system, expected in (("a", "b", 2.0), ("b", "a", 0.5)):
        table = bench_ratios(made, baseline)
        assert set(table["system"]) == {system}
        assert table["ratio"].tolist() == pytest.approx([expected] * 3)
        assert set(table["repeats"]) == {3}


def test_playout_rows_are_those_of_the_player_on_the_traces(benched):
    result = read_bench(benched)
    chunks = result.chunks[(result.chunks["system"] == "slow") & (result.chunks["clock"] == "virtual")]
    rows = result.playout[(result.playout["jitter_ms"] == 0) & (result.playout["tokens_per_second"] == 25)]
    for length_s in (1.0, 2.0):
        traces = [rows for _, rows in chunks[chunks["length_s"] == length_s].groupby("repeat")]
        for buffer_ms in (0.0, 200.0):
            played = [playout(t["arrived_s"].to_numpy(), t["samples"].to_numpy(), buffer_ms / 1000) for t in traces]
            row = rows.query("system == 'slow' and streams == 1 and length_s == @length_s and buffer_ms == @buffer_ms")
            row = row.iloc[0]
            assert row["underrun_s"] == pytest.approx(np.mean([p.underrun_s for p in played]), abs=1e-9)
            assert row["first_sound_s"] == pytest.approx(np.mean([p.first_sound_s for p in played]))
            assert row["buffer_for_none_ms"] == pytest.approx(max(p.buffer_for_none for p in played) * 1000, abs=1e-6)
    jittery = result.playout.query("system == 'slow' and jitter_ms == 50 and streams == 1")
    assert (jittery["draws"] == 200).all()
    need = jittery.groupby("buffer_ms")["underrun_s"].mean()
    assert need[200.0] < need[0.0]


def test_a_second_start_measures_nothing_and_a_longer_plan_only_what_is_new(run_with_bench, log):
    before = read_bench(run_with_bench)
    log()
    again = go(run_with_bench)
    assert (again.measured, again.kept) == (0, 14)
    assert log() == []
    pandas.testing.assert_frame_equal(read_bench(run_with_bench).chunks, before.chunks)
    longer = Settings(lengths_s=(1.0, 2.0, 3.0), repeats=2, streams=(), interrupts=3)
    done = go(run_with_bench, longer)
    assert (done.measured, done.kept) == (4 + 2, 8 + 4)
    after = read_bench(run_with_bench)
    assert sorted(after.single["length_s"].unique()) == [1.0, 2.0, 3.0]
    assert len(after.sessions) == 12 + 4  # what ran together is still there
    assert max(after.sessions["order"].max(), after.interrupts["order"].max()) == 8 + 2 + 4 + 6 - 1


def test_systems_measured_one_by_one_come_into_one_bench_in_the_order_of_the_run(run):
    go(run, ALONE, systems=["slow"])
    assert read_bench(run).systems == ["slow"]
    go(run, ALONE, systems=["mine"])
    assert read_bench(run).systems == ["mine", "slow"]
    assert read_bench(run).single["system"].tolist() == ["mine", "slow"]


def test_times_of_another_code_or_machine_are_measured_again(run_with_bench, monkeypatch):
    monkeypatch.setattr("harness.latency.bench.code_sha256", lambda: "edited")
    done = go(run_with_bench, ALONE, systems=["mine"])
    assert (done.measured, done.kept) == (1, 0)
    assert read_bench(run_with_bench).systems == ["mine"]  # of slow, nothing is known that is true now
    assert len(read_bench(run_with_bench).sessions) == 1


def test_ctrl_c_keeps_what_is_done(run, monkeypatch):
    opened = []

    class Interrupted(chunked.Resynthesis):
        def __init__(self, request):
            opened.append(request.utterance_id)
            if len(opened) == 4:
                raise KeyboardInterrupt
            super().__init__(request)

    monkeypatch.setattr(chunked, "Slow", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(run)
    kept = len(read_bench(run).sessions)
    assert kept == 4  # the whole first repeat; the fourth session of slow, after its warm-up, begins the second
    assert go(run).kept == kept


def test_a_system_that_fails_costs_its_own_cells_and_is_named(run, monkeypatch):
    monkeypatch.setattr(chunked, "Slow", chunked.Raises)
    done = go(run, ALONE)
    assert {failure.system for failure in done.failures} == {"slow"}
    assert "IndexError" in done.failures[0].error
    result = read_bench(run)
    assert set(result.sessions["system"]) == {"mine"}
    assert result.settings["failures"][0]["system"] == "slow"


def test_a_cell_that_killed_the_process_twice_is_skipped_and_says_so(run):
    note = run / "bench" / ".records/alone/mine/1s-1.began"
    note.parent.mkdir(parents=True)
    note.write_bytes(b"xx")
    done = go(run, ALONE)
    assert [failure.system for failure in done.failures] == ["mine"]
    assert str(note) in done.failures[0].error
    note.write_bytes(b"x")  # once may have been a person who ended it
    again = go(run, ALONE)
    assert (again.measured, again.kept, again.failures) == (1, 1, [])
    assert not note.exists()


def test_a_stream_that_would_take_too_long_is_skipped(run, monkeypatch):
    monkeypatch.setattr(chunked, "Slow", partial(chunked.Resynthesis, sleep_s=0.2))
    settings = Settings(lengths_s=(0.32, 6.4), repeats=2, streams=(), interrupts=0, session_limit_s=75.0)
    done = go(run, settings)  # 0.2 s of sleep for 0.32 s; were it to grow with the square, 80 s for 6.4 s
    assert {(failure.system, "--session-limit" in failure.error) for failure in done.failures} == {("slow", True)}
    assert set(read_bench(run).single.query("length_s == 6.4")["system"]) == {"mine"}


def test_speech_longer_than_the_corpus_goes_round_and_beginnings_agree(run):
    corpus = load_corpus(Run(run).experiment["corpus"])
    speech = long_speech(corpus, MelQuantiser(), RunFolder(run), 60.0)
    assert len(speech.request(60.0).tokens) == 1500
    assert len(speech.request(60.0).reference) == 1500 * 640
    np.testing.assert_array_equal(speech.request(3.0).tokens, speech.request(60.0).tokens[:75])
    assert speech.identity(3.0) != speech.identity(4.0)
    speech.request(3.0).tokens[:] = 0
    assert speech.request(3.0).tokens.any()


def test_what_cannot_be_benched_is_refused_in_one_line(run, tmp_path):
    with pytest.raises(LatencyError, match="did you mean 'mine'"):
        go(run, systems=["mien"])
    with pytest.raises(RunError, match="not a run"):
        go(tmp_path / "nothing")
    other = MelQuantiser()
    other.hashes = {"mel-quantiser": "2"}
    with pytest.raises(RunError, match="other weights"):
        bench(run, LITTLE, front_end=other)


def test_a_folder_without_a_bench_has_none_and_a_broken_one_is_said_to_be(run):
    assert read_bench(run) is None
    go(run, ALONE)
    (run / "bench" / "chunks.parquet").write_bytes(b"no")
    with pytest.raises(LatencyError, match="not readable"):
        read_bench(run)
    shutil.rmtree(run / "bench")
    assert read_bench(run) is None


# streams together


def test_streams_together_overlap_and_their_tokens_come_at_their_rate():
    meeting = threading.Barrier(3)

    class Meets(chunked.Resynthesis):
        def finish(self):
            meeting.wait(timeout=600)  # breaks unless all three are in their sessions at once
            yield from super().finish()

    done = run_together(Meets, [request(50, f"u{i}") for i in range(3)], tokens_per_second=200)
    for stream in done.streams:
        assert [chunk.samples for chunk in stream.trace] == [5120] * 6 + [1280]
        assert [chunk.start_sample for chunk in stream.trace] == [5120 * i for i in range(7)]
        for chunk in stream.trace:
            assert chunk.arrived_s >= chunk.tokens_in / 200
        worked = sum(chunk.compute_s for chunk in stream.trace)
        assert worked <= min(stream.work_s, stream.trace[-1].arrived_s) + 1e-6
    assert done.peak_memory_mb > 10


def test_an_error_of_one_stream_comes_out():
    with pytest.raises(IndexError):
        run_together(chunked.Raises, [request(), request()], tokens_per_second=1000)


def test_ctrl_c_stops_the_streams_before_it_passes_on():
    opened, cancelled, threads = set(), set(), threading.active_count()

    class Stops(chunked.Resynthesis):
        def __init__(self, wanted):
            super().__init__(wanted)
            self.name = wanted.utterance_id
            opened.add(self.name)

        def push(self, tokens):
            if self.name == "first" and self.tokens == 10:
                _thread.interrupt_main()
            yield from super().push(tokens)

        def cancel(self):
            cancelled.add(self.name)

    with pytest.raises(KeyboardInterrupt):
        run_together(Stops, [request(100_000, "first"), request(100_000, "second")], tokens_per_second=200)
    assert "first" in opened and cancelled == opened
    assert threading.active_count() <= threads  # one of an earlier test may have ended meanwhile


# interruptions


class Patient(chunked.Resynthesis):
    """Works in steps of 20 ms, and looks for its cancellation between them, as a network does between evaluations."""

    stopped = False

    def chunk(self, count):
        for _ in range(10):
            if self.stopped:
                raise RuntimeError("cancelled")
            time.sleep(0.02)
        return super().chunk(count)

    def cancel(self):
        self.stopped = True


class Deaf(Patient):
    """Ends its chunk whatever anybody says."""

    def cancel(self):
        pass


@pytest.mark.parametrize(("decoder", "chunks"), [(Patient, 0), (Deaf, 1)])
def test_an_interruption_lasts_until_the_call_that_it_interrupted_returns(decoder, chunks):
    opened = []

    def open_session(wanted):
        opened.append(decoder(wanted))
        return opened[0]

    done = interrupt(open_session, request(500), 0.05)
    finished = opened[0].emitted // 8
    assert finished < 60  # of 63 chunks: it did not go on to the end
    assert done.during_s >= 0.05 and done.interrupt_s > 0
    # every finished chunk slept 0.2 s within that time; the interrupted one is among them only where it was not stopped
    assert done.during_s + done.interrupt_s >= 0.2 * finished
    assert finished >= chunks


def test_a_session_that_has_ended_cannot_be_interrupted():
    assert interrupt(chunked.Resynthesis, request(), 60.0) is None


def test_an_error_before_the_interruption_comes_out():
    with pytest.raises(IndexError):
        interrupt(chunked.Raises, request(), 5.0)


# networks


def test_strategies_with_real_networks_are_benched_through_the_command(tiny_run):
    import typer
    from typer.testing import CliRunner

    from harness.latency.cli import latency

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(latency)
    arguments = [str(tiny_run), "--lengths", "1,2", "--repeats", "2", "--streams", "1,2", "--stream-length", "1"]
    arguments += ["--stream-repeats", "1", "--stream-token-rate", "100", "--interrupts", "2", "--no-report"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    for words in ("first packet", "RTF", "against", "streams", "cancel()"):
        assert words in result.output
    measured = read_bench(tiny_run)
    assert measured.systems == ["full", "streamflow-sr"]
    full = measured.single.query("system == 'full'")
    np.testing.assert_allclose(full["waited_s"], full["length_s"])
    assert (measured.single["dit_first_s"] > 0).all()
    settings = json.loads((tiny_run / "bench" / "bench.json").read_text())
    assert settings["systems"]["full"]["algorithmic_latency_s"] is None
    assert settings["systems"]["streamflow-sr"]["algorithmic_latency_s"] > 0


@pytest.mark.parametrize(("option", "value"), [("--lengths", "5,x"), ("--streams", "1.5"), ("--lengths", "none")])
def test_options_that_are_no_numbers_are_refused(tmp_path, option, value):
    from harness.latency.cli import latency

    with pytest.raises(LatencyError):
        latency(tmp_path, **{option[2:]: value})

"""What a run does: makes what is missing, keeps what is there, and loses only what fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest
import soundfile
from front_end import MelQuantiser

from harness.compare import compare
from harness.experiment import Experiment, load_experiment
from harness.run import Run, RunError
from harness.storage import RunLockedError, locked
from streamflow.errors import StreamflowError
from streamflow.session import AudioChunk

from .conftest import PLUGINS

TIMES = ["arrived_s", "compute_s", "dit_s", "vocoder_s", "other_s"]
TWO = "mine=chunked:Resynthesis,slow=chunked:Slow"


def experiment(corpus: Path, systems: str = TWO, metrics: tuple[str, ...] = (), **options) -> Experiment:
    return load_experiment(corpus=corpus, systems=systems, metrics=list(metrics), **options)


def go(wanted: Experiment, out: Path):
    return compare(wanted, out, front_end=MelQuantiser(), jobs=1)


def decodes(lines: list[str]) -> list[str]:
    """Log lines of recorded decodes."""
    return [line for line in lines if "warm-up" not in line and line != "tokenize"]


def test_a_run_holds_audio_references_and_tables_of_every_rendering(make_corpus, tmp_path):
    outcome = go(experiment(make_corpus(3)), tmp_path / "run")
    assert (outcome.decoded, outcome.kept, outcome.failures) == (6, 0, [])
    run = Run(tmp_path / "run")
    assert run.systems == ["mine", "slow"]
    assert len(run.utterances) == 3
    assert run.failures().empty
    traces = run.traces()
    for system in run.systems:
        for utterance in run.utterances:
            name = utterance["utterance_id"]
            audio, reference = run.audio(system, name), run.reference(name)
            assert abs(len(audio) - len(reference)) < 640
            common = min(len(audio), len(reference))
            np.testing.assert_allclose(audio[:common], reference[:common], atol=0.05)
            chunks = traces[(traces["system"] == system) & (traces["utterance"] == name)]
            assert chunks["samples"].sum() == len(audio)
            assert (chunks["start_sample"] == chunks["samples"].cumsum() - chunks["samples"]).all()
    assert len(run.latency()) == 6
    assert (run.latency()["rtf"] > 0).all()


def test_provenance_says_where_the_run_comes_from(make_corpus, tmp_path):
    go(experiment(make_corpus(2)), tmp_path / "run")
    go(experiment(make_corpus(2), seeds=[1]), tmp_path / "run")
    kept = Run(tmp_path / "run").provenance
    assert kept["versions"]["torch"]
    assert kept["hardware"]["torch_threads"] >= 1
    assert kept["checkpoint"]["sha256"] == {"mel-quantiser": "1"}
    assert len(kept["audio_sha256"]) == 2
    assert kept["systems"]["mine"]["source_sha256"]
    assert len(kept["starts"]) == 2


def test_a_second_start_decodes_and_tokenizes_nothing(make_corpus, tmp_path, log):
    wanted = experiment(make_corpus(3))
    go(wanted, tmp_path / "run")
    assert len(decodes(log())) == 6
    outcome = go(wanted, tmp_path / "run")
    assert log() == []
    assert (outcome.decoded, outcome.kept) == (0, 6)
    assert len(Run(tmp_path / "run").latency()) == 6


def test_each_system_is_warmed_up_once_and_that_is_not_recorded(make_corpus, tmp_path, log):
    go(experiment(make_corpus(3)), tmp_path / "run")
    warmed = [line for line in log() if "warm-up" in line]
    assert sorted(warmed) == ["Resynthesis warm-up", "Slow warm-up"]
    assert not (Run(tmp_path / "run").traces()["utterance"] == "warm-up").any()


def test_decoding_goes_utterance_by_utterance_with_every_system_in_turn(make_corpus, tmp_path, log):
    go(experiment(make_corpus(3)), tmp_path / "run")
    lines = decodes(log())
    assert [line.split()[0] for line in lines] == ["Resynthesis", "Slow"] * 3
    names = [line.split()[1] for line in lines]
    assert names[0::2] == names[1::2]


def test_only_what_is_missing_or_damaged_is_made_again(make_corpus, tmp_path, log):
    wanted, out = experiment(make_corpus(4)), tmp_path / "run"
    go(wanted, out)
    log()
    names = [utterance["utterance_id"] for utterance in Run(out).utterances]
    (out / ".renderings/mine" / f"{names[0]}.json").unlink()
    (out / ".renderings/slow" / f"{names[1]}.json").write_text('{"key": "abc', "utf-8")
    flac = out / "audio/mine" / f"{names[2]}.flac"
    flac.write_bytes(flac.read_bytes()[:-100])
    (out / "audio/slow" / f"{names[3]}.flac").unlink()
    outcome = go(wanted, out)
    assert sorted(decodes(log())) == sorted(
        [f"Resynthesis {names[0]}", f"Slow {names[1]}", f"Resynthesis {names[2]}", f"Slow {names[3]}"]
    )
    assert outcome.kept == 4


@pytest.mark.parametrize("change", ["seed", "parameter", "recording", "system"])
def test_what_determines_a_rendering_makes_it_again_and_nothing_else(make_corpus, tmp_path, log, change):
    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus), out)
    log()
    names = [utterance["utterance_id"] for utterance in Run(out).utterances]
    wanted = experiment(corpus)
    if change == "seed":
        wanted, expected = experiment(corpus, seeds=[1]), 4
    elif change == "parameter":
        table = wanted.table() | {
            "systems": {"mine": {"object": "chunked:Resynthesis", "hop": 4}, "slow": wanted.table()["systems"]["slow"]}
        }
        wanted, expected = Experiment.from_table(table, source="test", folder=Path()), 2
    elif change == "recording":
        path = corpus.parent / f"{names[0]}.flac"
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples[: len(samples) * 3 // 4], rate)
        expected = 2
    else:
        wanted, expected = experiment(corpus, TWO + ",third=chunked:Resynthesis"), 2
    go(wanted, out)
    assert len(decodes(log())) == expected
    if change == "recording":
        reference = Run(out).reference(names[0])
        assert abs(len(reference) - len(samples) * 3 // 4 * 16_000 / rate) < 2


def test_systems_left_out_leave_the_tables_and_come_back_without_decoding(make_corpus, tmp_path, log):
    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus), out)
    go(experiment(corpus, "mine=chunked:Resynthesis"), out)
    assert set(Run(out).latency()["system"]) == {"mine"}
    log()
    go(experiment(corpus), out)
    assert decodes(log()) == []
    assert set(Run(out).latency()["system"]) == {"mine", "slow"}


def test_what_one_system_writes_into_its_request_no_other_reads(make_corpus, tmp_path):
    corpus = make_corpus(1)
    go(experiment(corpus, "vandal=chunked:Vandal,mine=chunked:Resynthesis"), tmp_path / "run")
    run = Run(tmp_path / "run")
    name = run.utterances[0]["utterance_id"]
    assert np.abs(run.audio("mine", name)).max() > 0.05
    assert len(run.audio("vandal", name)) == len(run.audio("mine", name))


# failures


@pytest.mark.parametrize(
    ("decoder", "part"),
    [
        ("Raises", "IndexError: index 9 is out of bounds for axis 0"),
        ("NotANumber", "holds nan at sample"),
        ("Gap", "(gap)"),
    ],
)
def test_a_decoder_that_fails_is_rows_and_the_others_are_unharmed(make_corpus, tmp_path, decoder, part):
    corpus = make_corpus(2)
    go(experiment(corpus, f"mine=chunked:Resynthesis,bad=chunked:{decoder}"), tmp_path / "both")
    go(experiment(corpus, "mine=chunked:Resynthesis"), tmp_path / "alone")
    both, alone = Run(tmp_path / "both"), Run(tmp_path / "alone")
    failures = both.failures()
    assert failures["system"].tolist() == ["bad", "bad"]
    assert failures["stage"].tolist() == ["decode", "decode"]
    assert failures["error"].str.contains(part, regex=False).all()
    assert not failures["error"].str.contains("\n").any()
    for utterance in alone.utterances:
        name = utterance["utterance_id"]
        np.testing.assert_array_equal(both.audio("mine", name), alone.audio("mine", name))
    assert not (tmp_path / "both/audio/bad").exists()


def test_what_failed_is_tried_again(make_corpus, tmp_path, monkeypatch, log):
    import chunked

    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus, "bad=chunked:Raises"), out)
    assert len(Run(out).failures()) == 2
    monkeypatch.setattr(chunked.Raises, "chunk", chunked.Resynthesis.chunk)
    outcome = go(experiment(corpus, "bad=chunked:Raises"), out)
    assert outcome.decoded == 2
    assert Run(out).failures().empty


def test_an_edited_decoder_that_now_fails_leaves_no_old_audio(make_corpus, tmp_path, monkeypatch):
    corpus, out, folder = make_corpus(1), tmp_path / "run", tmp_path / "plug"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for base in ("Resynthesis", "Raises"):
        (folder / "edited.py").write_text(f"from chunked import {base} as Decoder\n# {base}\n")
        sys.modules.pop("edited", None)
        go(experiment(corpus, "x=edited:Decoder"), out)
    sys.modules.pop("edited", None)
    assert Run(out).latency().empty
    assert list((out / "audio/x").iterdir()) == []


def bad_recordings(folder: Path, samples: np.ndarray) -> tuple[dict[str, str], ...]:
    """A recording for every way in which one can be unusable."""
    folder.mkdir(exist_ok=True)
    with_nan = samples.copy()
    with_nan[100] = np.nan
    soundfile.write(folder / "nan.wav", with_nan, 16_000, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    soundfile.write(folder / "short.wav", samples[:320], 16_000)
    soundfile.write(folder / "long.wav", np.tile(samples, 600 * 16_000 // len(samples) + 1), 16_000)
    soundfile.write(folder / "cut.flac", samples, 16_000)
    flac = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
    (folder / "text.wav").write_text("this is no audio")
    (folder / "empty.flac").write_bytes(b"")
    names = ["nan.wav", "silence.wav", "short.wav", "long.wav", "cut.flac", "text.wav", "empty.flac", "missing.wav"]
    return tuple({"utterance_id": Path(name).stem, "path": name} for name in names)


def test_every_unusable_recording_is_a_row_a_system_and_the_others_are_decoded(make_corpus, tmp_path, shipped_rows):
    samples = soundfile.read(make_corpus(1).parent / f"{shipped_rows[0]['utterance_id']}.flac", dtype="float32")[0]
    bad = bad_recordings(tmp_path / "corpus", samples)
    outcome = go(experiment(make_corpus(2, bad)), tmp_path / "run")
    assert outcome.decoded == 4
    failures = Run(tmp_path / "run").failures()
    assert len(failures) == 2 * len(bad)
    assert set(failures["stage"]) == {"load"}
    expected = {
        "nan": "NaN",
        "silence": "silent",
        "short": "20 ms",
        "long": "longer than",
        "cut": "cut.flac",
        "text": "not readable",
        "empty": "empty.flac",
        "missing": "no such file",
    }
    for name, part in expected.items():
        errors = failures.loc[failures["utterance"] == name, "error"]
        assert len(errors) == 2, name
        assert errors.str.contains(part, regex=False).all(), errors.tolist()


def test_a_missing_prompt_concerns_its_utterance_only(make_corpus, tmp_path):
    corpus = make_corpus(2)
    lines = corpus.read_text().splitlines()
    rows = [f"{lines[0]},prompt_path", f"{lines[1]},nowhere.wav", f"{lines[2]},"]
    corpus.write_text("\n".join(rows) + "\n")
    outcome = go(experiment(corpus, "mine=chunked:Resynthesis"), tmp_path / "run")
    assert outcome.decoded == 1
    assert "nowhere.wav" in outcome.failures[0].error


def test_a_tokenizer_that_fails_is_a_row(make_corpus, tmp_path):
    class Broken(MelQuantiser):
        def tokenize(self, audio):
            return np.zeros((4, 2), np.float32)

    outcome = compare(experiment(make_corpus(1)), tmp_path / "run", front_end=Broken(), jobs=1)
    assert [failure.stage for failure in outcome.failures] == ["tokenize", "tokenize"]


def test_an_unknown_system_or_metric_stops_before_anything_is_made(make_corpus, tmp_path):
    for wanted in (
        experiment(make_corpus(1), "streamflow-st"),
        experiment(make_corpus(1), "x=nowhere:X"),
        experiment(make_corpus(1), metrics=("stoy",)),
    ):
        with pytest.raises(StreamflowError) as caught:
            go(wanted, tmp_path / "run")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run/run.toml").exists()


def test_a_folder_that_holds_something_else_is_not_written_into(make_corpus, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("x")
    with pytest.raises(RunError, match="neither a run nor empty"):
        go(experiment(make_corpus(1)), tmp_path / "thesis")
    assert sorted(path.name for path in (tmp_path / "thesis").iterdir()) == ["chapter.tex"]


def test_a_run_is_written_by_one_process_at_a_time(make_corpus, tmp_path):
    with locked(tmp_path / "run"), pytest.raises(RunLockedError, match="another process"):
        go(experiment(make_corpus(1)), tmp_path / "run")


def test_reading_what_is_not_a_run_says_so(tmp_path):
    with pytest.raises(RunError, match="not a run"):
        Run(tmp_path)


# interruption


def test_ctrl_c_keeps_what_is_finished_and_leaves_readable_tables(make_corpus, tmp_path, monkeypatch, log):
    import chunked

    wanted, out = experiment(make_corpus(3), "mine=chunked:Resynthesis"), tmp_path / "run"
    made, chunk = [], chunked.Resynthesis.chunk

    def interrupted(self, count):
        made.append(count)
        if len(made) > 18:
            raise KeyboardInterrupt
        return chunk(self, count)

    monkeypatch.setattr(chunked.Resynthesis, "chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(wanted, out)
    kept = len(Run(out).latency())
    assert 1 <= kept < 3
    monkeypatch.setattr(chunked.Resynthesis, "chunk", chunk)
    outcome = go(wanted, out)
    assert (outcome.kept, outcome.decoded) == (kept, 3 - kept)


def start(toml: Path, out: Path, log: Path) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "STREAMFLOW_TEST_LOG": str(log), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "go.py", str(toml), str(out)], cwd=PLUGINS, env=environment, stdout=subprocess.PIPE, text=True
    )


def test_killed_at_any_moment_and_started_again_gives_the_run_that_was_never_killed(make_corpus, tmp_path):
    toml, out, whole, log = (tmp_path / name for name in ("x.toml", "killed", "whole", "log"))
    wanted = experiment(make_corpus(4))
    toml.write_text(wanted.to_toml())
    for lines in (4, 7):  # kill in mid-decode twice, at different places
        log.write_text("")
        process = start(toml, out, log)
        began = time.monotonic()
        while log.read_text().count("\n") < lines and process.poll() is None:
            assert time.monotonic() - began < 900
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
    process = start(toml, out, log)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    kept = int(output.split()[3])
    assert 1 <= kept < 8
    go(wanted, whole)
    assert_same(Run(out), Run(whole))
    assert not list(out.rglob("*.partial"))


def assert_same(run: Run, other: Run) -> None:
    """Two runs are one but for measured times."""
    assert run.experiment == other.experiment
    assert run.utterances == other.utterances
    pandas.testing.assert_frame_equal(run.traces().drop(columns=TIMES), other.traces().drop(columns=TIMES))
    pandas.testing.assert_frame_equal(run.scores(), other.scores())
    pandas.testing.assert_frame_equal(run.seams(), other.seams())
    pandas.testing.assert_frame_equal(run.failures(), other.failures())
    names = ["system", "utterance", "tokens", "duration_s"]
    pandas.testing.assert_frame_equal(run.latency()[names], other.latency()[names])
    files = sorted(path.relative_to(other.path) for path in other.path.rglob("*.flac"))
    assert files == sorted(path.relative_to(run.path) for path in run.path.rglob("*.flac"))
    for file in files:
        assert (run.path / file).read_bytes() == (other.path / file).read_bytes()


def test_partial_files_of_a_killed_start_are_cleared(make_corpus, tmp_path):
    wanted, out = experiment(make_corpus(1)), tmp_path / "run"
    go(wanted, out)
    left = out / "audio/mine/.x.flac.partial"
    left.write_bytes(b"half")
    go(wanted, out)
    assert not left.exists()


# scores


def test_scores_are_of_every_rendering_and_metric_and_seams_of_every_chunked_one(make_corpus, tmp_path):
    wanted = experiment(make_corpus(2), "mine=chunked:Resynthesis", ("stoi", "mel_distance"))
    go(wanted, tmp_path / "run")
    run = Run(tmp_path / "run")
    scores = run.scores()
    assert scores["metric"].tolist() == ["stoi", "mel_distance"] * 2
    assert (scores.loc[scores["metric"] == "stoi", "value"] > 0.9).all()
    speakers = {utterance["utterance_id"]: utterance["speaker_id"] for utterance in run.utterances}
    assert (scores["speaker"] == scores["utterance"].map(speakers)).all()
    assert set(run.seams()["role"]) >= {"seam", "interior", "reference"}


def test_a_new_metric_is_scored_without_decoding_or_scoring_the_old_ones_again(make_corpus, tmp_path, log):
    corpus, out = make_corpus(2), tmp_path / "run"
    go(experiment(corpus, metrics=("stoi",)), out)
    before = Run(out).scores()
    log()
    outcome = go(experiment(corpus, metrics=("stoi", "mel_distance")), out)
    assert log() == []
    assert outcome.scored == 4
    after = Run(out).scores()
    old = after[after["metric"] == "stoi"].reset_index(drop=True)
    pandas.testing.assert_frame_equal(old, before)
    assert (after["metric"] == "mel_distance").sum() == 4
    assert go(experiment(corpus, metrics=("stoi", "mel_distance")), out).scored == 0


def test_scores_in_processes_are_those_of_one_process(make_corpus, tmp_path):
    corpus = make_corpus(4)
    wanted = experiment(corpus, metrics=("stoi", "mel_distance"))
    compare(wanted, tmp_path / "many", front_end=MelQuantiser(), jobs=2)
    go(wanted, tmp_path / "one")
    assert_same(Run(tmp_path / "many"), Run(tmp_path / "one"))


def test_a_metric_that_cannot_be_had_is_a_row_with_a_reason(make_corpus, tmp_path):
    corpus = make_corpus(1)
    row = corpus.read_text().splitlines()
    name = row[1].split(",")[0]
    samples, rate = soundfile.read(corpus.parent / f"{name}.flac")
    loudest = int(np.abs(samples).argmax())
    start = max(0, loudest - rate // 8)
    soundfile.write(corpus.parent / f"{name}.flac", samples[start : start + rate // 4], rate)  # 0.25 s: STOI needs more
    go(experiment(corpus, "mine=chunked:Resynthesis", ("stoi",)), tmp_path / "run")
    scores = Run(tmp_path / "run").scores()
    assert scores["value"].isna().all()
    assert (scores["unscored_because"] != "").all()


def test_longer_and_shorter_renderings_are_scored_over_the_common_length(make_corpus, tmp_path, monkeypatch):
    import chunked

    def longer(self):
        yield from chunked.Resynthesis.finish(self)
        yield AudioChunk(self.emitted * 640, np.full(900, 0.01, np.float32))

    monkeypatch.setattr(chunked.Slow, "finish", longer)
    go(experiment(make_corpus(1), metrics=("stoi",)), tmp_path / "run")
    scores = Run(tmp_path / "run").scores().set_index("system")["value"]
    assert scores["slow"] == pytest.approx(scores["mine"], abs=0.01)


# seeds


def test_every_seed_is_decoded_kept_apart_and_scored(make_corpus, tmp_path, log):
    corpus, out = make_corpus(2), tmp_path / "run"
    outcome = go(experiment(corpus, "mine=chunked:Noisy", ("stoi",), seeds=[3, 5]), out)
    assert (outcome.decoded, outcome.scored) == (4, 4)
    run = Run(out)
    name = run.utterances[0]["utterance_id"]
    assert run.seeds == (3, 5)
    first, other = run.audio("mine", name), run.audio("mine", name, 5)
    np.testing.assert_array_equal(first, run.audio("mine", name, 3))
    assert not np.array_equal(first, other)
    for table in (run.scores(), run.latency(), run.traces(), run.seams()):
        assert sorted(set(table["seed"])) == [3, 5]
    assert run.scores().groupby("utterance")["value"].nunique().tolist() == [2, 2]
    log()
    more = go(experiment(corpus, "mine=chunked:Noisy", ("stoi",), seeds=[3, 5, 8]), out)
    assert (more.decoded, more.kept) == (2, 4)


def test_equal_audio_is_scored_once_whoever_made_it(make_corpus, tmp_path):
    corpus, out = make_corpus(1), tmp_path / "run"
    go(experiment(corpus, "mine=chunked:Resynthesis", ("stoi",)), out)
    outcome = go(experiment(corpus, "mine=chunked:Resynthesis,twin=chunked:Resynthesis", ("stoi",)), out)
    assert (outcome.decoded, outcome.scored) == (1, 0)
    assert len(set(Run(out).scores()["value"])) == 1


def test_a_score_that_is_lost_is_a_row_with_the_reason_and_tried_again(make_corpus, tmp_path):
    wanted, out = experiment(make_corpus(1), "mine=chunked:Resynthesis", ("stoi", "crashing:FAIL")), tmp_path / "run"
    for _ in range(2):
        assert [failure.error for failure in go(wanted, out).failures] == ["crashing:FAIL: RuntimeError: no such luck"]
        scores = Run(out).scores().set_index("metric")
        assert scores.loc["crashing:FAIL", "unscored_because"] == "crashing:FAIL: RuntimeError: no such luck"
        assert scores.loc["stoi", "value"] > 0.9


@pytest.mark.parametrize("touched", ["recording", "rendering", "table"])
def test_a_finished_run_is_taken_up_again_when_anything_of_it_changes(make_corpus, tmp_path, touched):
    corpus, out = make_corpus(2), tmp_path / "run"
    wanted = experiment(corpus, "mine=chunked:Resynthesis", ("stoi",))
    go(wanted, out)
    starts = len(Run(out).provenance["starts"])
    go(wanted, out)
    assert len(Run(out).provenance["starts"]) == starts  # nothing was to be done
    name = Run(out).utterances[0]["utterance_id"]
    path = {
        "recording": corpus.parent / f"{name}.flac",
        "rendering": out / "audio" / "mine" / f"{name}.flac",
        "table": out / "scores.parquet",
    }[touched]
    if touched == "recording":
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples[: -rate // 4], rate)
    else:
        path.unlink()
    outcome = go(wanted, out)
    assert outcome.decoded == (0 if touched == "table" else 1)
    assert len(Run(out).scores()) == 2

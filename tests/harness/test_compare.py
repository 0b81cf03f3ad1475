"""What a run holds, and what a second start makes again: what is missing or was changed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.experiment import Experiment
from harness.run import Run

from .comparing import TWO, decodes, experiment, go


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

"""Stimuli built from a run: what is there, what it is, and that nothing tells one sound from another but the sound."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.run import Run
from listening_tests.errors import StudyError
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, REFERENCE
from listening_tests.protocols import REGISTRY
from listening_tests.stimuli.anchors import anchor
from listening_tests.stimuli.build import build_from_run
from listening_tests.stimuli.levels import ClippingError, active_speech_level
from listening_tests.stimuli.stimulus_set import StimulusSet
from listening_tests.stimuli.training import choose_training
from listening_tests.study import Levels, Listening, Screening

RATE = 16_000
ROOT = Path(__file__).parents[3]
NONE = Screening(training=0, traps=0)


def tables(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("protocol", sorted(REGISTRY))
def test_every_protocol_has_what_it_needs_equally_long_within_a_sentence_but_for_replays(tmp_path, run, make, protocol):
    stimuli = build_from_run(run, tmp_path, make(protocol))
    needs = REGISTRY[protocol].needs
    stimuli.verify()
    lengths: dict[str, set[int]] = {}
    for stimulus in stimuli.stimuli.values():
        lengths.setdefault(stimulus.sentence, set()).add(stimulus.samples)
        assert stimulus.rate == RATE
    assert len(lengths) == 6
    if "arrival" in needs:  # silence at the end would be one more stall
        assert all(len(one) == 2 for one in lengths.values())
    else:
        assert all(len(one) == 1 for one in lengths.values())
    for sentence in stimuli.sentences:
        assert (stimuli.find(sentence, REFERENCE, "reference") is not None) == bool(needs & {"reference", "anchors"})
        for name in (ANCHOR_LOW, ANCHOR_MID):
            assert (stimuli.find(sentence, name, "anchor") is not None) == ("anchors" in needs)
        assert all(stimuli.find(sentence, system) for system in ("full", "secretstream"))


def test_files_are_44_bytes_of_header_and_samples_under_random_names(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make("mushra"))
    files = sorted((tmp_path / "stimuli").iterdir())
    assert {path.stem for path in files} == set(stimuli.stimuli) and len(files) > 20
    for path in files:
        content = path.read_bytes()
        assert re.fullmatch(r"[0-9a-f]{24}\.wav", path.name)
        size = len(content) - 44
        header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size)  # fmt: skip # noqa: E501
        assert content[:44] == header and size == 2 * stimuli.stimuli[path.stem].samples
        assert b"secretstream" not in content and b"flite" not in content


def test_building_again_gives_the_same_sounds_under_other_names(tmp_path, run, make):
    first, second = (build_from_run(run, tmp_path / name, make("abx")) for name in ("a", "b"))
    assert not set(first.stimuli) & set(second.stimuli)

    def sounds(stimuli):
        return Counter((one.sentence, one.system, one.role, one.sha256) for one in stimuli.stimuli.values())

    assert sounds(first) == sounds(second)
    assert first.digest() != second.digest() and first.digest() == StimulusSet(tmp_path / "a").digest()


def test_a_stimulus_is_the_rendering_at_the_target_level(tmp_path, run, make, decoded):
    stimuli = build_from_run(run, tmp_path, make(screening=NONE))
    for stimulus in stimuli.stimuli.values():
        original = decoded(stimulus.system, stimulus.sentence)
        samples = stimuli.samples(stimulus.stimulus_id)[: len(original)] / 32768
        assert np.abs(samples - original * 10 ** (stimulus.gain_db / 20)).max() <= 0.5 / 32768 + 1e-9
        assert active_speech_level(samples, RATE) == pytest.approx(-26.0, abs=0.1) and stimulus.level_db == -26.0
        assert stimulus.text == f"This is {stimulus.sentence}."


def test_without_a_level_policy_systems_keep_their_difference(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make(screening=NONE, level=Levels(policy="none")))
    full, half = (stimuli.samples(stimuli.find("flite_rms_1", name).stimulus_id) for name in ("full", "secretstream"))
    assert np.std(half.astype(float)) / np.std(full.astype(float)) == pytest.approx(0.5, abs=1e-3)


def test_anchors_are_the_stored_reference_low_passed(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make("mushra", screening=NONE))
    for name in (ANCHOR_LOW, ANCHOR_MID):
        reference = stimuli.samples(stimuli.find("flite_rms_3", REFERENCE, "reference").stimulus_id) / 32768
        stored = stimuli.samples(stimuli.find("flite_rms_3", name, "anchor").stimulus_id) / 32768
        assert np.abs(anchor(reference, RATE, name) - stored)[:-1000].max() < 2 / 32768


def test_seams_are_those_of_the_trace(tmp_path, run, make, decoded):
    stimuli = build_from_run(run, tmp_path, make("seam-locating", screening=NONE))
    for sentence in stimuli.sentences:
        length = len(decoded("secretstream", sentence))
        expected = tuple(start + 160 for start in range(8000, length, 8000) if start + 160 < length)
        assert stimuli.find(sentence, "secretstream").seams == expected
        assert stimuli.find(sentence, "full").seams == ()


def test_a_replay_waits_as_the_trace_says(tmp_path, run, make, decoded):
    """Chunks of 0.5 s that arrive every 0.6 s: 0.1 s of silence before each."""
    stimuli = build_from_run(run, tmp_path, make("arrival-replay", screening=NONE))
    streamed, offline = stimuli.find("flite_rms_3", "secretstream"), stimuli.find("flite_rms_3", "full")
    original = decoded("secretstream", "flite_rms_3")
    samples = stimuli.samples(streamed.stimulus_id) / 32768
    assert streamed.key["first_audio_s"] == pytest.approx(0.6)
    whole = len(original) // 8000
    assert [stall for _, stall in streamed.key["stalls"]][: whole - 1] == pytest.approx([0.1] * (whole - 1))
    gain = 10 ** (streamed.gain_db / 20)
    for index in range(whole):
        start = 9600 * (index + 1)
        piece = gain * original[8000 * index : 8000 * (index + 1)]
        assert np.abs(samples[start : start + 8000] - piece).max() < 1 / 32768
        assert not samples[start - 1600 : start].any()
    assert offline.key["first_audio_s"] == pytest.approx(len(original) / RATE + 0.1, abs=1e-4)
    assert offline.samples == pytest.approx(len(original) + offline.key["first_audio_s"] * RATE, abs=1)
    assert len(samples) < offline.samples, "a replay ends when its sound ends"
    assert streamed.seams[: whole - 1] == tuple(9600 * (index + 1) + 160 for index in range(1, whole))


def test_long_sentences_are_cut_alike_for_all_and_said_so(tmp_path, run, make, decoded):
    study = make("mushra", screening=NONE, listening=Listening(max_s=4.0))
    stimuli = build_from_run(run, tmp_path, study)
    assert stimuli.facts["cuts"] and max(one.samples for one in stimuli.stimuli.values()) <= 4 * RATE
    for sentence, at in stimuli.facts["cuts"].items():
        assert len(decoded("full", sentence)) > 4 * RATE >= at * RATE
        assert {one.samples for one in stimuli.stimuli.values() if one.sentence == sentence} == {round(at * RATE)}
        assert all(seam < at * RATE for seam in stimuli.find(sentence, "secretstream").seams)


def test_a_replay_is_never_cut(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make("arrival-replay", screening=NONE, listening=Listening(max_s=4.0)))
    assert stimuli.facts["cuts"] == {} and "a wait for sound" in stimuli.facts["left_out"]["flite_awb_3"]


def test_a_sentence_that_a_system_failed_on_is_left_out_with_the_reason(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make(systems=("full", "naive"), screening=NONE))
    assert len(stimuli.sentences) == 5 and "failures.parquet" in stimuli.facts["left_out"]["flite_awb_3"]
    with pytest.raises(StudyError, match="no sentence can be used: flite_awb_3"):
        build_from_run(run, tmp_path, make(systems=("naive",)), sentences=["flite_awb_3"])


def test_the_recording_may_be_rated_like_a_system(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make(systems=("full", REFERENCE), screening=NONE))
    assert Counter(one.role for one in stimuli.stimuli.values()) == {"test": 12}


def test_the_offline_system_comes_along_where_the_protocol_needs_it(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make("abx-offline", systems=("secretstream",), screening=NONE))
    assert Counter(one.system for one in stimuli.stimuli.values()) == {"full": 6, "secretstream": 6}


def test_clipping_names_a_target_that_fits_all(tmp_path, run, make):
    with pytest.raises(ClippingError) as raised:
        build_from_run(run, tmp_path, make(level=Levels(target=-6.0)))
    assert tables(tmp_path) == set()
    target = float(re.search(r"level\.target = (-[\d.]+)", str(raised.value))[1])
    stimuli = build_from_run(run, tmp_path, make(level=Levels(target=target)))
    assert len(stimuli.sentences) == 6


def test_training_keeps_spare_sentences_apart_and_spans_the_range(tmp_path, run, make):
    main = ["flite_slt_1", "flite_rms_1", "flite_awb_1"]
    study = make(systems=("secretstream", "full", "naive"))
    stimuli = build_from_run(run, tmp_path, study, sentences=main)
    training = stimuli.of_role("training")
    assert {one.sentence for one in stimuli.of_role("test")} == set(main)
    assert {one.sentence for one in training} == set(stimuli.facts["training_sentences"])
    assert len(stimuli.facts["training_sentences"]) == 2 and not set(main) & {one.sentence for one in training}
    assert stimuli.facts["range"] == {"best": "full", "worst": "naive", "by": "pesq_wb"}
    first, second = choose_training(stimuli, 2)
    assert (first[1], second[1]) == ("full", "naive") and first[0] != second[0]
    assert stimuli.facts["left_out"] == {}  # nobody asked for the spare sentence that naive failed on


def test_a_small_study_trains_on_what_it_rates(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make())
    assert stimuli.of_role("training") == [] and len(stimuli.of_role("test")) == 12
    assert [system for _, system in choose_training(stimuli, 3)] == ["full", "secretstream", "full"]


def test_traps_spread_over_sentences_and_systems(tmp_path, run, make):
    stimuli = build_from_run(run, tmp_path, make(screening=Screening(traps=2, training=0)))
    traps = stimuli.of_role("trap")
    assert len(traps) == 6 == len({trap.sentence for trap in traps})
    assert Counter(trap.system for trap in traps) == {"full": 3, "secretstream": 3}
    assert all(1 <= trap.key["beeps"] <= 5 for trap in traps)
    assert not any("beeps" in stimulus.key for stimulus in stimuli.of_role("test"))


def test_a_failed_build_leaves_what_was_there(tmp_path, run, make, monkeypatch):
    build_from_run(run, tmp_path, make(screening=NONE))
    before, index = tables(tmp_path), (tmp_path / "stimuli.json").read_bytes()

    def stop(done: int, of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_from_run(run, tmp_path, make(), progress=stop)
    assert tables(tmp_path) == before and (tmp_path / "stimuli.json").read_bytes() == index
    (tmp_path / ".sounds-dead.partial").mkdir()  # what a kill -9 leaves
    build_from_run(run, tmp_path, make())
    assert not list(tmp_path.glob(".sounds*"))


BUILD = """
import sys, time
from pathlib import Path
from harness.run import Run
from listening_tests.stimuli.build import build_from_run
from listening_tests.study import Study
study = Study(title="Naturalness", protocol="mushra", systems=("full", "secretstream"))
build_from_run(Run(sys.argv[1]), sys.argv[2], study,
               progress=lambda done, of: time.sleep(600 if done == of - 1 else 0))
"""


def test_a_killed_build_leaves_no_list_and_is_begun_again(tmp_path, run, make):
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(run.path), str(tmp_path)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 900
        while len(list(tmp_path.glob(".sounds-*/*.wav"))) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.glob(".sounds-*/*.wav")) and not (tmp_path / "stimuli.json").exists()
    stimuli = build_from_run(run, tmp_path, make("mushra"))
    stimuli.verify()
    assert len(list((tmp_path / "stimuli").iterdir())) == len(stimuli.stimuli)
    assert not list(tmp_path.glob(".sounds*"))


def test_progress_counts_sentences(tmp_path, run, make):
    seen = []
    build_from_run(run, tmp_path, make(), progress=lambda done, of: seen.append((done, of)))
    assert seen == [(number, 6) for number in range(1, 7)]


def test_an_open_study_keeps_its_stimuli(tmp_path, run, make):
    (tmp_path / "frozen.json").write_text("{}")
    with pytest.raises(StudyError, match="open"):
        build_from_run(run, tmp_path, make())


def test_unknown_systems_and_sentences_are_named(tmp_path, run: Run, make):
    with pytest.raises(StudyError, match=r"secretstraem.*secretstream"):
        build_from_run(run, tmp_path, make(systems=("secretstraem",)))
    stimuli = build_from_run(run, tmp_path, make(), sentences=["flite_slt_1", "flite_slt_9"])
    assert "flite_slt_9" in stimuli.facts["left_out"]
    assert json.loads((tmp_path / "stimuli.json").read_text())["left_out"] == stimuli.facts["left_out"]

"""Stimuli from folders of recordings in several formats and rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from listening_tests.errors import StudyError
from listening_tests.model import REFERENCE
from listening_tests.stimuli.build import build_from_folders
from listening_tests.study import Screening

NONE = Screening(training=0, traps=0)


@pytest.fixture
def folders(tmp_path: Path, recordings) -> dict[str, Path]:
    """``tts-a`` mono FLAC at 16 kHz, ``tts-b`` stereo WAV at 24 kHz with metadata, ``natural`` the recordings."""
    for name in ("tts-a", "tts-b", "natural"):
        (tmp_path / name).mkdir()
    for name, samples in recordings.items():
        soundfile.write(tmp_path / "tts-a" / f"{name}.flac", samples, 16_000)
        soundfile.write(tmp_path / "natural" / f"{name}.wav", samples, 16_000)
        faster = soxr.resample(samples, 16_000, 24_000)
        with soundfile.SoundFile(tmp_path / "tts-b" / f"{name}.wav", "w", 24_000, 2, "PCM_24") as file:
            file.title = "tts-b of the company"
            file.write(np.stack([0.4 * faster, 0.2 * faster], axis=1))
    (tmp_path / "tts-a" / "readme.txt").write_text("no recording")
    return {"tts-a": tmp_path / "tts-a", "tts-b": tmp_path / "tts-b", "natural": tmp_path / "natural"}


@pytest.fixture
def systems(folders) -> dict[str, Path]:
    return {name: folders[name] for name in ("tts-a", "tts-b")}


def test_formats_rates_and_channels_become_one(tmp_path, systems, make, recordings):
    study = make("ab", systems=("tts-a", "tts-b"), screening=NONE)
    stimuli = build_from_folders(systems, tmp_path / "study", study, texts={"flite_slt_1": "Hello."})
    assert stimuli.rate == 24_000 and stimuli.sentences == sorted(recordings)
    for sentence in stimuli.sentences:
        a, b = (stimuli.samples(stimuli.find(sentence, name).stimulus_id) for name in ("tts-a", "tts-b"))
        assert len(a) == len(b)
        # the same speech by two ways; P.56 interpolates between thresholds, so levels agree to some hundredths of a dB
        assert np.corrcoef(a, b)[0, 1] > 0.9999
        assert 20 * np.log10(np.std(a.astype(float)) / np.std(b.astype(float))) == pytest.approx(0, abs=0.15)
    assert stimuli.find("flite_slt_1", "tts-a").text == "Hello."
    assert not any(b"company" in path.read_bytes() for path in (tmp_path / "study" / "stimuli").iterdir())


def test_reference_recordings_make_references_and_anchors(tmp_path, folders, systems, make):
    study = make("mushra", systems=("tts-a", "tts-b"), screening=NONE)
    stimuli = build_from_folders(systems, tmp_path / "study", study, reference=folders["natural"])
    assert len(stimuli.of_role("reference")) == 6 and len(stimuli.of_role("anchor")) == 12
    with pytest.raises(StudyError, match="reference recordings"):
        build_from_folders(systems, tmp_path / "other", study)


def test_only_sentences_that_all_folders_have(tmp_path, systems, make):
    (systems["tts-b"] / "flite_slt_1.wav").unlink()
    study = make("ab", systems=("tts-a", "tts-b"), screening=NONE)
    assert "flite_slt_1" not in build_from_folders(systems, tmp_path / "a", study).sentences
    stimuli = build_from_folders(systems, tmp_path / "b", study, sentences=["flite_slt_1", "flite_rms_1"])
    assert stimuli.sentences == ["flite_rms_1"]
    assert "tts-b has no recording" in stimuli.facts["left_out"]["flite_slt_1"]


def test_a_damaged_recording_costs_its_sentence_alone(tmp_path, systems, make):
    (systems["tts-a"] / "flite_slt_1.flac").write_bytes(b"fLaC but not really")
    study = make("ab", systems=("tts-a", "tts-b"), screening=NONE)
    stimuli = build_from_folders(systems, tmp_path / "study", study)
    assert len(stimuli.sentences) == 5 and "not readable as audio" in stimuli.facts["left_out"]["flite_slt_1"]


def test_own_traps_are_used_in_place_of_beeps(tmp_path, systems, make, recordings):
    traps = tmp_path / "traps"
    traps.mkdir()
    soundfile.write(traps / "say five.wav", recordings["flite_slt_1"][:16_000], 16_000)
    (traps / "traps.csv").write_text("file,beeps\nsay five.wav,5\n")
    study = make("ab", systems=("tts-a", "tts-b"), screening=Screening(training=0, traps=1))
    stimuli = build_from_folders(systems, tmp_path / "study", study, traps=traps)
    found = stimuli.of_role("trap")
    assert len(found) == 3 and {trap.key["beeps"] for trap in found} == {5}
    for trap in found:
        assert trap.samples == stimuli.find(trap.sentence, trap.system).samples


@pytest.mark.parametrize("protocol", ["arrival-replay", "seam-locating"])
def test_folders_have_no_traces(tmp_path, systems, make, protocol):
    with pytest.raises(StudyError, match="from a run"):
        build_from_folders(systems, tmp_path / "study", make(protocol, systems=("tts-a",)))


def test_folders_that_cannot_be_used_are_named(tmp_path, systems, make):
    study = make("ab", systems=("tts-a", "tts-c"))
    with pytest.raises(StudyError, match="tts-c"):
        build_from_folders(systems, tmp_path / "study", study)
    with pytest.raises(StudyError, match="no such folder"):
        build_from_folders({"tts-a": tmp_path / "nowhere"}, tmp_path / "study", study)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="holds no recordings"):
        build_from_folders({**systems, REFERENCE: tmp_path / "empty"}, tmp_path / "study", study)
    assert not (tmp_path / "study" / "stimuli.json").exists()

"""Reading stimuli back: only what is listed, only what is unchanged; and sources as samples."""

from __future__ import annotations

import json

import numpy as np
import pytest

from listening_tests.errors import StudyError
from listening_tests.stimuli.build import build_from_run
from listening_tests.stimuli.headphones import woods_round
from listening_tests.stimuli.sources import render_source
from listening_tests.stimuli.stimulus_set import StimulusSet
from listening_tests.stimuli.wav import decode_wav, encode_wav, to_int16


@pytest.fixture
def stimuli(tmp_path, run, make) -> StimulusSet:
    return build_from_run(run, tmp_path, make("mushra"))


def test_a_clip_is_rendered_as_stored(stimuli):
    for stimulus in stimuli.stimuli.values():
        samples, rate = render_source(f"clip:{stimulus.stimulus_id}", stimuli)
        assert samples.shape == (stimulus.samples, 1) and samples.dtype == np.int16 and rate == stimulus.rate
        assert np.array_equal(samples[:, 0], stimuli.samples(stimulus.stimulus_id))


def test_what_is_lent_out_cannot_be_written_to(stimuli):
    samples = stimuli.samples(next(iter(stimuli.stimuli)))
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 1


def test_headphone_intervals_are_those_that_are_scored(stimuli):
    for interval in range(3):
        samples, rate = render_source(f"woods:123:4:{interval}", stimuli)
        expected = woods_round(123, 4).intervals[interval]
        assert rate == 44_100 and np.abs(samples / 32768 - expected).max() <= 0.5 / 32768
    assert render_source("milne:123:4:0", stimuli)[0].shape == (44_100, 2)


def test_level_is_speech_of_the_study_at_its_level(stimuli):
    from listening_tests.stimuli.levels import active_speech_level

    samples, rate = render_source("level:7", stimuli)
    assert samples.shape[1] == 1 and len(samples) > 8 * rate
    assert active_speech_level(samples[:, 0] / 32768, rate) == pytest.approx(-26.0, abs=0.5)
    assert np.array_equal(samples, render_source("level:7", stimuli)[0])
    assert not np.array_equal(samples, render_source("level:8", stimuli)[0])


@pytest.mark.parametrize(
    "source",
    [
        "",
        "clip:",
        "clip:../study",
        "clip:0",
        "woods:1",
        "woods:1:9:0",
        "woods:1:0:3",
        "milne:1:-1:0",
        "level:",
        "file:x",
    ],
)
def test_any_other_source_is_refused(stimuli, source):
    with pytest.raises(StudyError):
        render_source(source, stimuli)


def test_changed_and_missing_files_are_named(stimuli):
    first, second = list(stimuli.stimuli)[:2]
    path = stimuli.folder / "stimuli" / f"{first}.wav"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for check in (stimuli.verify, lambda: stimuli.samples(first)):
        with pytest.raises(StudyError, match=f"{first}.*hash"):
            check()
    content[-1] ^= 1
    path.write_bytes(content)
    stimuli.verify()
    (stimuli.folder / "stimuli" / f"{second}.wav").unlink()
    with pytest.raises(StudyError, match=second):
        StimulusSet(stimuli.folder).verify()


def test_the_digest_changes_with_anything_listed(stimuli):
    path = stimuli.folder / "stimuli.json"
    table = json.loads(path.read_text())
    table["stimuli"][0]["seams"] = [1]
    path.write_text(json.dumps(table))
    assert StimulusSet(stimuli.folder).digest() != stimuli.digest()


def test_what_is_no_list_of_stimuli_is_refused(tmp_path):
    for content in (None, "{", "[]", '{"stimuli": [{"a": 1}]}'):
        if content is not None:
            (tmp_path / "stimuli.json").write_text(content)
        with pytest.raises(StudyError, match=r"stimuli\.json"):
            StimulusSet(tmp_path)


def test_an_id_cannot_name_another_file(stimuli):
    path = stimuli.folder / "stimuli.json"
    table = json.loads(path.read_text())
    table["stimuli"][0]["stimulus_id"] = "../../secret"
    path.write_text(json.dumps(table))
    with pytest.raises(StudyError, match="not a stimulus id"):
        StimulusSet(stimuli.folder)


def test_wav_holds_16_bits_exactly_and_nothing_clips_silently():
    every = np.arange(-32768, 32768).astype(np.int16)
    samples, rate = decode_wav(encode_wav(every, 24_000))
    assert np.array_equal(samples, every) and rate == 24_000
    assert np.array_equal(to_int16(every / 32768.0), every)
    with pytest.raises(ValueError, match="full scale"):
        to_int16(np.array([1.0]))

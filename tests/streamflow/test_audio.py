"""Loading recordings: every format, rate and channel count gives the same speech; bad ones give one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyloudnorm
import pytest
import soundfile
import soxr

from streamflow.audio import LOUDNESS, PEAK, SAMPLE_RATE, load_audio, write_audio
from streamflow.errors import AudioError


@pytest.fixture(scope="module")
def speech(shipped_corpus) -> np.ndarray:
    path = shipped_corpus.parent / pd.read_csv(shipped_corpus)["path"][0]
    return soundfile.read(path, dtype="float32")[0]


def saved(tmp_path, samples, rate=SAMPLE_RATE, name="a.wav", **options):
    path = tmp_path / name
    soundfile.write(path, samples, rate, **options)
    return path


def test_a_recording_comes_at_the_loudness_asked_for(tmp_path, speech):
    for gain in (0.05, 0.5):
        loaded = load_audio(saved(tmp_path, gain * speech))
        assert pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(loaded.astype(float)) == pytest.approx(
            LOUDNESS, abs=0.1
        )
        assert loaded.dtype == np.float32 and loaded.ndim == 1


def test_a_loud_peak_lowers_the_gain_rather_than_clip(tmp_path, speech):
    peaky = 0.02 * speech
    peaky[1000] = 0.9
    loaded = load_audio(saved(tmp_path, peaky))
    assert np.abs(loaded).max() == pytest.approx(PEAK, abs=1e-3)


def test_without_a_loudness_nothing_is_scaled(tmp_path, speech):
    path = saved(tmp_path, 0.3 * speech, subtype="FLOAT")
    np.testing.assert_allclose(load_audio(path, loudness=None), 0.3 * speech, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_any_rate_gives_the_same_speech_at_16_khz(tmp_path, speech, rate):
    path = saved(tmp_path, soxr.resample(speech, SAMPLE_RATE, rate), rate, subtype="FLOAT")
    loaded, plain = load_audio(path, loudness=None), speech
    if rate < SAMPLE_RATE:  # what the lower rate cannot hold is not there to be compared
        plain = soxr.resample(soxr.resample(speech, SAMPLE_RATE, rate), rate, SAMPLE_RATE)
    n = min(len(loaded), len(plain))
    assert abs(len(loaded) - len(speech)) <= 2
    inner = slice(800, n - 800)
    assert np.corrcoef(loaded[inner], plain[inner])[0, 1] > 0.999


@pytest.mark.parametrize(("name", "options"), [("a.flac", {}), ("a.ogg", {}), ("a.aiff", {}), ("a.mp3", {})])
def test_formats_of_libsndfile_are_read(tmp_path, speech, name, options):
    loaded = load_audio(saved(tmp_path, speech, name=name, **options), loudness=None)
    assert len(loaded) == pytest.approx(len(speech), abs=1200)


def test_stereo_is_averaged(tmp_path, speech):
    path = saved(tmp_path, np.stack([speech, 0 * speech], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(load_audio(path, loudness=None), speech / 2, atol=1e-6)


def test_a_recording_shorter_than_a_gating_block_is_levelled_all_the_same(tmp_path, speech):
    loud = np.abs(speech).argmax()
    start = max(0, loud - 1600)
    loaded = load_audio(saved(tmp_path, 0.05 * speech[start : start + 3200]))
    assert np.abs(loaded).max() > 0.1


def corrupt_flac(tmp_path, speech):
    path = saved(tmp_path, speech, name="corrupt.flac")
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    return path


def no_audio(tmp_path, speech):
    path = tmp_path / "text.wav"
    path.write_text("this is no audio")
    return path


BAD = {
    "no such file": lambda tmp_path, speech: tmp_path / "absent.wav",
    "not readable as audio": no_audio,
    "copy or convert it again|not readable": corrupt_flac,
    "NaN": lambda t, s: saved(t, np.where(np.arange(len(s)) == 5, np.nan, s), subtype="FLOAT"),
    "20 ms is shorter": lambda t, s: saved(t, s[:320]),
    "silent": lambda t, s: saved(t, 0 * s),
    "0 ms is shorter": lambda t, s: saved(t, s[:0]),
    "600 s is longer than 300 s": lambda t, s: saved(t, np.zeros(600 * 8000), 8000),
}


@pytest.mark.parametrize("says", BAD)
def test_a_bad_recording_is_refused_in_one_line_that_names_it(tmp_path, speech, says):
    path = BAD[says](tmp_path, speech)
    with pytest.raises(AudioError, match=says) as raised:
        load_audio(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_flac_of_unknown_length_is_refused_for_what_it_is(tmp_path, speech):
    path = saved(tmp_path, speech, name="piped.flac")
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of the total number of samples in STREAMINFO; zero is unknown
    data[22:26] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(AudioError, match="does not say how long it is"):
        load_audio(path)


def test_written_audio_reads_back_and_leaves_no_partial_file(tmp_path, speech):
    path = tmp_path / "deep" / "a.flac"
    write_audio(path, speech)
    np.testing.assert_allclose(load_audio(path, loudness=None), speech, atol=1 / 32000)
    assert [p.name for p in path.parent.iterdir()] == ["a.flac"]

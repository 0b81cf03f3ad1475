"""Prosody: each F0 metric by four tests, both trackers, and jumps at seams, on tones of known melody and real speech."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import pyworld
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.metrics import Pair, Unscored, get_metric
from harness.metrics.f0 import TrackerError, f0_contour, f0_range
from harness.metrics.f0_declination import f0_slope
from harness.prosody import contour_cents_apart, f0_jump, f0_jumps
from streamflow.audio import load_audio

RATE = 16_000
FRAME_ERRORS = ("gross_pitch_error", "voicing_error", "f0_frame_error")
PROSODY = (*FRAME_ERRORS, "f0_median_cents", "f0_rmse_cents", "f0_correlation", "f0_range_ratio", "f0_declination")
OF_THE_SAME = dict.fromkeys(PROSODY, 0.0) | {"f0_correlation": 1.0, "f0_range_ratio": 1.0}


@pytest.fixture(scope="module")
def speech(shipped_corpus: Path) -> np.ndarray:
    with shipped_corpus.open(encoding="utf-8") as file:
        paths = {row["utterance_id"]: row["path"] for row in csv.DictReader(file)}
    return load_audio(shipped_corpus.parent / paths["flite_slt_1"])


def melody(semitones: np.ndarray, base: float = 150.0) -> np.ndarray:
    """Twelve partials whose F0 is ``base`` times the given semitones, one value a sample."""
    phase = 2 * np.pi * np.cumsum(base * 2 ** (semitones / 12)) / RATE
    return 0.1 * sum(np.cos(k * phase) / k for k in range(1, 13)).astype(np.float32)


def vibrato(cents: float, duration_s: float = 3.0) -> np.ndarray:
    times = np.arange(round(duration_s * RATE)) / RATE
    return cents / 100 * np.sin(2 * np.pi * 1.0 * times)


@pytest.mark.parametrize("tracker", ["dio", "harvest"])
@pytest.mark.parametrize("name", PROSODY)
def test_a_recording_against_itself_is_without_error(name: str, tracker: str, speech: np.ndarray) -> None:
    metric = get_metric(name, {"tracker": tracker})
    assert metric.score(speech, speech) == pytest.approx(OF_THE_SAME[name], abs=1e-12)
    assert {"dio": "dio+stonemask,", "harvest": "harvest,"}[tracker] in metric.identity


@pytest.mark.parametrize("name", FRAME_ERRORS)
def test_a_voice_in_noise_has_more_frame_errors(name: str, speech: np.ndarray) -> None:
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    quiet, loud = (get_metric(name).score(speech + gain * noise, speech) for gain in (0.001, 0.1))
    assert loud > quiet


def test_a_transposed_melody_keeps_its_correlation_and_its_range() -> None:
    reference, rendering = melody(vibrato(200)), melody(vibrato(200) + 1)
    assert get_metric("f0_correlation").score(rendering, reference) > 0.999
    assert get_metric("f0_range_ratio").score(rendering, reference) == pytest.approx(1, abs=0.01)
    assert get_metric("f0_median_cents").score(rendering, reference) == pytest.approx(100, abs=1)


def test_half_the_excursion_is_half_the_range_and_a_reversed_melody_correlates_negatively() -> None:
    reference = melody(vibrato(200))
    assert get_metric("f0_range_ratio").score(melody(vibrato(100)), reference) == pytest.approx(0.5, abs=0.01)
    rise = np.linspace(-2, 2, 3 * RATE)  # whatever delay is found between a rise and a fall, they never agree
    assert get_metric("f0_correlation").score(melody(-rise), melody(rise)) < -0.98


@pytest.mark.parametrize("tracker", ["dio", "harvest"])
def test_declination_is_the_difference_of_the_slopes_that_were_planted(tracker: str) -> None:
    times = np.arange(3 * RATE) / RATE
    falling, rising = melody(-2.0 * times), melody(0.5 * times)
    metric = get_metric("f0_declination", {"tracker": tracker})
    assert metric.score(rising, falling) == pytest.approx(2.5, abs=0.02)
    assert metric.score(falling, rising) == pytest.approx(-2.5, abs=0.02)


def test_a_slope_is_that_of_the_theil_sen_line_and_an_octave_error_does_not_move_it() -> None:
    rng = np.random.default_rng(3)
    semitones = -1.5 * np.arange(600) * 0.005 + 0.3 * rng.standard_normal(600)
    hertz = 120 * 2 ** (semitones / 12)
    medians = [np.median(semitones[start : start + 20]) for start in range(0, 600, 20)]
    expected = stats.theilslopes(medians, np.arange(30) * 0.1)[0]
    assert f0_slope(hertz) == pytest.approx(expected, abs=1e-9)
    hertz[100:105] *= 2
    assert f0_slope(hertz) == pytest.approx(expected, abs=0.02)


def test_gross_pitch_error_counts_the_frames_that_jump_an_octave() -> None:
    semitones = np.zeros(2 * RATE)
    semitones[RATE : RATE + RATE // 2] = 12  # a quarter
    metric = get_metric("gross_pitch_error")
    assert metric.score(melody(semitones), melody(np.zeros(2 * RATE))) == pytest.approx(25, abs=1.5)


@pytest.mark.parametrize("tracker", ["dio", "harvest"])
def test_frame_errors_are_those_of_a_loop_over_pyworlds_frames(tracker: str, speech: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    noisy = (speech + 0.02 * rng.standard_normal(len(speech))).astype(np.float32)
    contours = []
    for signal in (noisy, speech):
        signal = signal.astype(np.float64)
        if tracker == "harvest":
            f0 = pyworld.harvest(signal, RATE, f0_floor=60.0, f0_ceil=600.0)[0]
        else:
            coarse, at = pyworld.dio(signal, RATE, f0_floor=60.0, f0_ceil=600.0)
            f0 = np.where(coarse > 0, pyworld.stonemask(signal, coarse, at, RATE), 0)
        contours.append(f0)
    voicing = gross = both = 0
    for ours, theirs in zip(*contours, strict=True):
        voicing += (ours > 0) != (theirs > 0)
        both += ours > 0 and theirs > 0
        gross += ours > 0 and theirs > 0 and abs(ours / theirs - 1) > 0.2
    expected = {"voicing_error": voicing / len(contours[0]), "gross_pitch_error": gross / both}
    expected["f0_frame_error"] = (voicing + gross) / len(contours[0])
    assert voicing and both
    for name, share in expected.items():
        value = get_metric(name, {"tracker": tracker}).score(noisy, speech)
        assert value == pytest.approx(100 * share, abs=1e-9)


def test_correlation_is_scipys(speech: np.ndarray) -> None:
    noisy = (speech + 0.01 * np.random.default_rng(2).standard_normal(len(speech))).astype(np.float32)
    ours, theirs = f0_contour(noisy)[1], f0_contour(speech)[1]
    both = np.isfinite(ours) & np.isfinite(theirs)
    expected = stats.pearsonr(np.log(ours[both]), np.log(theirs[both])).statistic
    assert get_metric("f0_correlation").score(noisy, speech) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", PROSODY)
def test_where_nothing_is_voiced_there_is_a_reason_and_no_number(name: str) -> None:
    unvoiced = np.zeros(RATE, np.float32)
    unvoiced[::4000] = 0.5  # four clicks
    value = get_metric(name).score(unvoiced, unvoiced)
    assert isinstance(value, Unscored) and "voiced" in value.reason


@pytest.mark.parametrize(("name", "told"), [("f0_correlation", "no melody"), ("f0_range_ratio", "no range")])
def test_a_monotone_reference_has_nothing_to_compare_with(name: str, told: str) -> None:
    value = get_metric(name).score(melody(vibrato(100)), melody(0 * vibrato(100)))
    assert isinstance(value, Unscored) and told in value.reason


def test_too_brief_a_voice_has_no_slope() -> None:
    brief = np.zeros(2 * RATE, np.float32)
    brief[RATE : RATE + 6000] = melody(np.zeros(6000))
    value = get_metric("f0_declination").score(brief, brief)
    assert isinstance(value, Unscored) and "too little for a slope" in value.reason


def test_range_and_declination_compare_readings_of_different_length_and_frame_errors_do_not() -> None:
    slow, quick = (melody(vibrato(200, seconds), base=180.0) for seconds in (4.0, 3.0))
    assert Pair(slow, quick).lengths_apart
    assert get_metric("f0_range_ratio").score(slow, quick) == pytest.approx(1, abs=0.03)
    assert abs(get_metric("f0_declination").score(slow, quick)) < 2
    assert isinstance(get_metric("gross_pitch_error").score(slow, quick), Unscored)


@pytest.mark.parametrize("name", PROSODY)
def test_an_unknown_tracker_is_refused_by_name(name: str) -> None:
    with pytest.raises(TrackerError, match="no F0 tracker is called 'yin'; there are dio and harvest"):
        get_metric(name, {"tracker": "yin"})


def test_trackers_do_not_share_a_cache_and_harvest_finds_more_voice(speech: np.ndarray) -> None:
    fast, thorough = (f0_contour(speech, tracker=tracker)[1] for tracker in ("dio", "harvest"))
    assert fast.shape == thorough.shape
    assert np.isfinite(thorough).sum() > np.isfinite(fast).sum()
    again = f0_contour(speech.copy(), tracker="dio")[1]
    assert np.array_equal(again, fast, equal_nan=True)


@pytest.mark.parametrize("samples", [0, 1, 79, 319, 320, 400])
def test_signals_too_short_for_a_period_have_a_contour_of_silence(samples: int) -> None:
    for tracker in ("dio", "harvest"):
        times, hertz = f0_contour(np.full(samples, 0.1), tracker=tracker)
        assert len(times) == len(hertz) == 1 + samples // 80 and not np.isfinite(hertz[:1]).any()


@given(cents=st.floats(-250, 250), slope=st.floats(-40, 40), offset=st.integers(-79, 79))
@settings(max_examples=60)
def test_a_planted_jump_is_found_whatever_the_glide_it_sits_on(cents: float, slope: float, offset: int) -> None:
    sample = 16_000 + offset
    frames = np.arange(400)
    semitones = slope * (frames * 0.005 - 1) + np.where(frames * 80 > sample, cents / 100, 0)
    assert f0_jump(140 * 2 ** (semitones / 12), sample) == pytest.approx(cents, abs=1e-6)


def test_a_jump_of_30_cents_in_sound_is_measured_within_3() -> None:
    times = np.arange(2 * RATE) / RATE
    glide = -3 * times
    stepped = glide + 0.3 * (times >= 1)
    table = f0_jumps(melody(stepped), [0, 8000, 16_000, 24_000], melody(glide))
    assert table["sample"].tolist() == [8000, 16_000, 24_000]
    assert table["cents"].to_numpy() == pytest.approx([0, 30, 0], abs=3)
    assert table["between_cents"].to_numpy() == pytest.approx([0, 0, 0], abs=1)
    assert table["reference_cents"].to_numpy() == pytest.approx([0, 0, 0], abs=1)


def test_octave_errors_and_pauses_are_no_jumps() -> None:
    hertz = np.full(400, 150.0)
    hertz[200:] = 300
    assert np.isnan(f0_jump(hertz, 16_000))
    hertz[200:] = np.nan
    assert np.isnan(f0_jump(hertz, 16_000)) and np.isnan(f0_jump(np.zeros(0), 16_000))
    assert f0_jump(hertz, 8000) == pytest.approx(0, abs=1e-9)
    assert np.isnan(f0_jump(hertz, 7 * 80)) and f0_jump(hertz, 8 * 80) == pytest.approx(0, abs=1e-9)
    hertz[102] = np.nan  # not one frame may be missing: the voice has to go on across the seam
    assert np.isnan(f0_jump(hertz, 8000))


def test_untouched_speech_jumps_neither_up_nor_down(speech: np.ndarray) -> None:
    places = np.arange(1000, len(speech) - 1000, 400)
    cents = f0_jumps(speech, places)["cents"].dropna()
    assert len(cents) > 20 and abs(np.median(cents)) < 10


def test_cents_apart_are_those_of_the_frames_that_both_have() -> None:
    apart = contour_cents_apart(np.array([0, 100, 200, 110, 300]), np.array([100, 0, 100, 100]))
    assert np.isnan(apart[:3]).all()
    assert apart[3] == pytest.approx(1200 * np.log2(1.1))


def test_range_is_that_of_the_middle_of_the_frames() -> None:
    semitones = np.linspace(0, 10, 101)
    hertz = np.r_[100 * 2 ** (semitones / 12), np.nan, np.nan]
    assert f0_range(hertz) == pytest.approx(800)

"""Mel-cepstral distortion against pysptk and librosa, closed forms and constructions."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import librosa
import numpy as np
import pytest
import pyworld
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import REGISTRY, Unscored
from harness.metrics.mcd_dtw import LONGEST_S, warped_distance
from harness.metrics.mel_cepstrum import FFT, ORDER, WARPING, cepstral_matrix, mel_cepstra

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pysptk

RATE = 16_000
MCD, MCD_DTW = REGISTRY["mcd"], REGISTRY["mcd_dtw"]


def cepstra_by_packages(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients 1 to 24 and frame powers by pyworld and pysptk alone."""
    samples = samples.astype(np.float64)
    coarse, times = pyworld.dio(samples, RATE, f0_floor=60, f0_ceil=600, frame_period=5)
    hertz = np.where(coarse > 0, pyworld.stonemask(samples, coarse, times, RATE), 0)
    envelope = pyworld.cheaptrick(samples, hertz, times, RATE, fft_size=1024)
    return np.stack([pysptk.sp2mc(frame, 24, 0.41) for frame in envelope])[:, 1:], envelope.sum(axis=1)


def test_mel_cepstra_are_those_of_pysptk(voices: dict[str, np.ndarray], noisy: Callable):
    silent_within = voices["flite_slt_1"].copy()
    silent_within[8000:16000] = 0
    for samples in (voices["flite_slt_1"], noisy(voices["flite_awb_1"], 10), silent_within):
        expected, power = cepstra_by_packages(samples)
        cepstra, total = mel_cepstra(samples)
        assert cepstra.shape == (len(power), 24)
        np.testing.assert_allclose(cepstra, expected, atol=1e-7)
        np.testing.assert_allclose(total, power, rtol=1e-9)


def test_the_warping_constant_is_the_one_that_fits_the_mel_scale_at_16_khz():
    assert pytest.approx(pysptk.util.mcepalpha(RATE), abs=0.005) == WARPING


@settings(max_examples=25)
@given(st.lists(st.floats(-2, 2), min_size=ORDER + 1, max_size=ORDER + 1))
def test_a_spectrum_made_of_known_coefficients_gives_them_back(coefficients: list[float]):
    omega = np.linspace(0, np.pi, FFT // 2 + 1)
    warped = omega + 2 * np.arctan(WARPING * np.sin(omega) / (1 - WARPING * np.cos(omega)))
    log_power = 2 * sum(value * np.cos(k * warped) for k, value in enumerate(coefficients))
    np.testing.assert_allclose(log_power @ cepstral_matrix(FFT, ORDER, WARPING), coefficients, atol=1e-9)


def test_mcd_is_that_of_the_packages(voices: dict[str, np.ndarray], noisy: Callable):
    reference = voices["flite_slt_2"]
    degraded = noisy(reference, 20)
    (first, _), (second, power) = cepstra_by_packages(degraded), cepstra_by_packages(reference)
    active = power > power.max() / 1e4
    frames = 10 / np.log(10) * np.sqrt(2 * ((first - second) ** 2).sum(axis=1))
    assert 0.3 < active.mean() < 1  # the mask does something
    assert MCD.score(degraded, reference) == pytest.approx(frames[active].mean(), abs=1e-6)


def test_a_gain_is_no_distortion(speech: np.ndarray):
    assert MCD.score(speech * np.float32(0.5), speech) < 1e-3
    assert MCD_DTW.score(speech * np.float32(0.5), speech) < 1e-3


def test_a_delay_is_taken_out_and_its_place_within_a_frame_counts_little(speech: np.ndarray, noisy: Callable):
    rough = noisy(speech, 20)
    delayed = np.concatenate([np.zeros(800, np.float32), rough])
    assert MCD.score(delayed, speech) == pytest.approx(MCD.score(rough, speech), rel=0.02)


def test_a_pause_full_of_noise_does_not_count(speech: np.ndarray):
    quiet = np.zeros(8000, np.float32)
    hiss = (1e-5 * np.random.default_rng(0).standard_normal(8000)).astype(np.float32)
    padded, hissing = np.concatenate([speech, quiet]), np.concatenate([speech, hiss])
    assert MCD.score(hissing, padded) < 0.05


def test_too_little_speech_is_a_reason():
    click = np.zeros(RATE, np.float32)
    click[8000:8040] = 0.5
    for metric in (MCD, MCD_DTW):
        value = metric.score(click, click)
        assert isinstance(value, Unscored) and "active frames of 5 ms, 20 are needed" in value.reason


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 30), m=st.integers(1, 30))
def test_warping_is_librosas(seed: int, n: int, m: int):
    random = np.random.default_rng(seed)
    first, second = random.standard_normal((n, 3)), random.standard_normal((m, 3))
    accumulated, path = librosa.sequence.dtw(first.T, second.T, metric="euclidean")
    total, cells = warped_distance(first, second)
    assert total == pytest.approx(accumulated[-1, -1], abs=1e-9)
    assert cells == len(path)


def test_mcd_dtw_is_that_of_the_packages(voices: dict[str, np.ndarray]):
    first, second = voices["flite_awb_1"], voices["flite_awb_3"]  # other sentences, other durations
    frames = [cepstra[power > power.max() / 1e4] for cepstra, power in map(cepstra_by_packages, (first, second))]
    accumulated, path = librosa.sequence.dtw(frames[0].T, frames[1].T, metric="euclidean")
    expected = 10 / np.log(10) * np.sqrt(2) * accumulated[-1, -1] / len(path)
    assert abs(len(first) - len(second)) > RATE / 4  # else a delay would be looked for
    assert MCD_DTW.score(first, second) == pytest.approx(expected, abs=1e-6)


def test_warping_goes_to_the_end_of_both_whatever_the_delay(speech: np.ndarray, noisy: Callable):
    late = np.concatenate([np.zeros(777, np.float32), speech])
    assert MCD_DTW.score(late, speech) == pytest.approx(0, abs=1e-6)
    longer = np.concatenate([speech, noisy(speech, 0)[20000:23000]])
    assert MCD_DTW.score(longer, speech) > 0.2


def test_warping_hides_a_change_of_tempo_which_frames_show(speech: np.ndarray):
    samples = speech.astype(np.float64)
    coarse, times = pyworld.dio(samples, RATE)
    hertz = pyworld.stonemask(samples, coarse, times, RATE)
    envelope = pyworld.cheaptrick(samples, hertz, times, RATE)
    aperiodicity = pyworld.d4c(samples, hertz, times, RATE)
    same = pyworld.synthesize(hertz, envelope, aperiodicity, RATE).astype(np.float32)
    frames = np.sort(np.concatenate([np.arange(len(hertz)), np.arange(0, len(hertz), 20)]))  # 5 % slower
    parts = (np.ascontiguousarray(part[frames]) for part in (hertz, envelope, aperiodicity))
    slower = pyworld.synthesize(*parts, RATE).astype(np.float32)
    assert MCD_DTW.score(slower, speech) < MCD_DTW.score(same, speech) + 0.5
    assert MCD.score(slower[: len(speech)], speech) > MCD.score(same, speech) + 2


def test_what_would_take_minutes_to_warp_is_refused():
    long = np.ones(int((LONGEST_S + 1) * RATE), np.float32)
    value = MCD_DTW.score(long, long[:RATE])
    assert isinstance(value, Unscored) and "takes up to 120 s; the longer of the two has 121 s" in value.reason

"""Log-spectral distance, energy correlation, duration ratio and narrow-band PESQ against other people's code."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import pesq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from harness.metrics import REGISTRY, Pair, Unscored
from harness.metrics.pesq_nb import pesq_nb

RATE = 16_000
LSD, ENERGY, DURATION = (REGISTRY[name] for name in ("log_spectral_distance", "energy_correlation", "duration_ratio"))


@pytest.mark.parametrize("snr", [40, 10, -5])
def test_narrow_band_pesq_is_that_of_the_package(snr: float, speech: np.ndarray, noisy: Callable):
    degraded = noisy(speech, snr)
    assert REGISTRY["pesq_nb"].score(degraded, speech) == pesq.pesq(RATE, speech, degraded, "nb")


def test_what_the_package_refuses_is_unscored_with_its_words(speech: np.ndarray):
    brief = speech[8000:11000]
    value = pesq_nb(Pair(brief, brief))
    assert isinstance(value, Unscored) and value.reason.startswith("PESQ: ") and "b'" not in value.reason


def test_narrow_band_pesq_does_not_hear_what_a_telephone_drops(speech: np.ndarray):
    low = signal.sosfiltfilt(signal.butter(8, 3600, fs=RATE, output="sos"), speech).astype(np.float32)
    lost = {
        name: REGISTRY[name].score(speech, speech) - REGISTRY[name].score(low, speech)
        for name in ("pesq_nb", "pesq_wb")
    }
    assert lost["pesq_nb"] < 0.1 < 0.3 < lost["pesq_wb"]


def test_log_spectral_distance_is_that_over_librosas_spectra(speech: np.ndarray, noisy: Callable):
    degraded = noisy(speech, 20)
    gain = np.sqrt(np.mean(speech.astype(np.float64) ** 2) / np.mean(degraded.astype(np.float64) ** 2))
    spectra = [
        librosa.stft(samples.astype(np.float64), n_fft=512, hop_length=128, window="hann", center=False)[1:]
        for samples in (degraded * gain, speech)
    ]
    decibels = [20 * np.log10(np.abs(spectrum) + 1e-30) for spectrum in spectra]
    first, second = (np.maximum(each, decibels[1].max() - 80) for each in decibels)
    expected = np.sqrt(((first - second) ** 2).mean(axis=0)).mean()
    assert LSD.score(degraded, speech) == pytest.approx(expected, abs=1e-6)


def test_a_gain_is_no_spectral_distance(speech: np.ndarray):
    assert LSD.score(speech * np.float32(0.25), speech) < 1e-4


def test_half_the_band_six_decibels_lower_is_three_apart():
    """Noise, of which the upper half is 6 dB lower: matched in RMS, both halves are off by known amounts."""
    noise = np.random.default_rng(0).standard_normal(4 * RATE)
    spectrum = np.fft.rfft(noise)
    spectrum[len(spectrum) // 2 :] /= 2
    tilted = np.fft.irfft(spectrum, len(noise))
    gain = 10 * np.log10(2 / (1 + 0.25))
    expected = np.sqrt((gain**2 + (gain - 20 * np.log10(2)) ** 2) / 2)
    value = LSD.score(0.1 * tilted.astype(np.float32), 0.1 * noise.astype(np.float32))
    assert value == pytest.approx(expected, rel=0.01)


def test_energy_correlation_is_scipys_over_librosas_energies(speech: np.ndarray, noisy: Callable):
    degraded = noisy(speech, 15)
    contours = []
    for samples in (degraded, speech):
        rms = librosa.feature.rms(y=samples.astype(np.float64), frame_length=400, hop_length=160, center=False)[0]
        decibels = 20 * np.log10(rms + 1e-30)
        contours.append(np.maximum(decibels, decibels.max() - 60))
    expected = stats.pearsonr(*contours).statistic
    assert ENERGY.score(degraded, speech) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(1e-2, 1), depth=st.floats(0.1, 0.9))
def test_a_gain_leaves_the_energy_correlation_alone_and_other_dynamics_do_not(gain: float, depth: float):
    times = np.arange(2 * RATE) / RATE
    noise = np.random.default_rng(0).standard_normal(len(times)) * 0.1
    slow = (noise * (1 + depth * np.sin(2 * np.pi * 3 * times))).astype(np.float32)
    fast = (noise * (1 + depth * np.sin(2 * np.pi * 5 * times))).astype(np.float32)
    assert ENERGY.score(slow * np.float32(gain), slow) == pytest.approx(1, abs=1e-6)
    assert ENERGY.score(fast, slow) < 0.9


def test_energy_that_does_not_vary_is_a_reason():
    tone = np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE).astype(np.float32)
    value = ENERGY.score(tone, tone)
    assert isinstance(value, Unscored) and "the energy of the rendering does not vary" in value.reason


def test_the_duration_ratio_is_of_whole_files_however_different(speech: np.ndarray):
    twice = np.concatenate([speech, speech])
    assert DURATION.score(twice, speech) == 2
    assert DURATION.score(speech, twice) == 0.5
    assert DURATION.score(speech[:-1600], speech) == (len(speech) - 1600) / len(speech)
    assert "silent" in DURATION.score(np.zeros_like(speech), speech).reason

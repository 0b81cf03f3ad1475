"""The anchors' filters against the mask of BS.1534-3."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import freqz

from listening_tests.errors import StudyError
from listening_tests.model import ANCHOR_LOW, ANCHOR_MID
from listening_tests.stimuli.anchors import anchor, low_pass


def response_db(taps: np.ndarray, rate: int, frequencies: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.maximum(np.abs(freqz(taps, worN=frequencies, fs=rate)[1]), 1e-12))


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("edge", [3500.0, 7000.0])
def test_filter_meets_the_mask(edge, rate):
    taps = low_pass(edge, rate)
    passed = response_db(taps, rate, np.arange(0.0, edge + 1, 5.0))
    assert np.abs(passed).max() < 0.1
    if edge + 500 < rate / 2:
        assert response_db(taps, rate, np.arange(edge + 500, min(edge + 1000, rate / 2), 5.0)).max() < -25
    if edge + 1000 < rate / 2:
        assert response_db(taps, rate, np.arange(edge + 1000, rate / 2, 5.0)).max() < -50


@pytest.mark.parametrize(("name", "edge"), [(ANCHOR_LOW, 3500), (ANCHOR_MID, 7000)])
def test_anchor_is_the_reference_below_its_edge_in_time_and_silent_above(name, edge):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(16_000)
    low_passed = anchor(noise, 16_000, name)
    assert len(low_passed) == len(noise)
    inner = slice(1000, 15_000)
    window = np.hanning(14_000)
    before, after = np.fft.rfft(noise[inner] * window), np.fft.rfft(low_passed[inner] * window)
    frequencies = np.fft.rfftfreq(14_000, 1 / 16_000)
    kept, gone = frequencies < edge - 20, frequencies > edge + 520
    assert np.abs(after[kept] - before[kept]).max() < 0.02 * np.abs(before).max()  # phase too, so it is in time
    assert np.mean(np.abs(after[gone]) ** 2) < 1e-5 * np.mean(np.abs(before[gone]) ** 2)


def test_rate_without_room_for_the_anchor_is_refused():
    with pytest.raises(StudyError, match="16 kHz"):
        anchor(np.ones(100), 8_000, ANCHOR_MID)
    with pytest.raises(StudyError, match="anchor-3500"):
        anchor(np.ones(100), 16_000, "anchor-5000")

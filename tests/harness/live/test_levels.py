"""What it takes to play a system as loud as its recording, and where clipping ends that."""

from __future__ import annotations

import numpy as np
import pytest

from harness.corpus import SHIPPED, load_corpus
from harness.live.levels import HIGHEST_PEAK, gain_between, loudness_of
from streamflow.audio import load_audio


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    return load_audio(load_corpus(SHIPPED).utterances[0].path)


def test_a_quiet_system_is_brought_to_its_recording(recording: np.ndarray):
    gain = gain_between(0.5 * recording, recording)
    assert gain.db == pytest.approx(6.02, abs=0.01)
    assert gain.capped is False


def test_a_gain_that_would_clip_is_less_and_says_so(recording: np.ndarray):
    clicks = 0.1 * recording
    clicks[::4000] = 0.9  # no louder, but with peaks that leave no room
    gain = gain_between(clicks, recording)
    assert gain.capped is True
    played = clicks * 10 ** (gain.db / 20)
    assert np.abs(played).max() == pytest.approx(HIGHEST_PEAK)
    assert loudness_of(played) < loudness_of(recording)


def test_silence_is_left_as_it_is(recording: np.ndarray):
    assert gain_between(np.zeros(16_000, np.float32), recording) == (0.0, False)

"""Long sounds are cut at a pause that all sounds of a sentence share."""

from __future__ import annotations

import numpy as np
import pytest

from listening_tests.errors import StudyError
from listening_tests.stimuli.cutting import cut, cut_point, pad

RATE = 16_000


def spoken(*parts: tuple[float, bool], seed: int = 0) -> np.ndarray:
    """Noise where True, a noise floor 50 dB below where False; (seconds, spoken)."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.standard_normal(int(s * RATE)) * (0.05 if on else 0.00015) for s, on in parts])


def test_short_sounds_are_not_cut():
    sound = spoken((3.0, True))
    assert cut_point([sound, sound[:100]], RATE, 3.0) is None
    assert np.array_equal(cut(sound, RATE, None), sound)


def test_cut_is_the_middle_of_the_last_pause_in_reach():
    sound = spoken((3, True), (0.4, False), (2, True), (0.4, False), (3, True))
    assert cut_point([sound], RATE, 6.0) / RATE == pytest.approx(5.6, abs=0.04)
    assert cut_point([sound], RATE, 5.5) / RATE == pytest.approx(3.2, abs=0.04)


def test_a_pause_must_be_one_of_every_sound_whatever_their_levels():
    first = spoken((3, True), (0.4, False), (2, True), (0.4, False), (3, True))
    other = 0.05 * spoken((3, True), (0.4, False), (5.4, True), seed=1)
    assert cut_point([first, other], RATE, 6.0) / RATE == pytest.approx(3.2, abs=0.04)
    assert cut_point([other, first], RATE, 6.0) == cut_point([first, other], RATE, 6.0)


def test_a_sound_that_ended_before_is_in_a_pause():
    sound = spoken((3, True), (0.4, False), (4, True))
    assert cut_point([sound, sound[: 3 * RATE]], RATE, 6.0) / RATE == pytest.approx(3.2, abs=0.04)


@pytest.mark.parametrize(
    "sound",
    [
        spoken((9, True)),
        spoken((4, True), (0.1, False), (5, True)),  # a stop consonant's closure
        spoken((1, True), (0.5, False), (8, True)),  # less than half would be left
    ],
)
def test_without_a_usable_pause_it_is_refused(sound):
    with pytest.raises(StudyError, match="no pause that all its sounds share"):
        cut_point([sound], RATE, 6.0)


def test_cut_fades_its_last_10_ms_and_nothing_else():
    sound = np.ones(RATE)
    short = cut(sound, RATE, 8000)
    assert len(short) == 8000 and np.all(short[:-160] == 1.0) and short[-1] == pytest.approx(0.0, abs=1e-12)
    assert np.all(np.diff(short[-160:]) < 0) and np.all(sound == 1.0)


def test_pad_keeps_type_and_samples():
    padded = pad(np.array([1, 2], np.int16), 4)
    assert padded.dtype == np.int16 and padded.tolist() == [1, 2, 0, 0]

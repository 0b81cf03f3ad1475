"""Headphone checks: what each ear gets, and that places of the answer are balanced."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch
from scipy.stats import binom, norm

from listening_tests.errors import StudyError
from listening_tests.stimuli.headphones import NEEDED, RATE, headphone_round, milne_round, passes, woods_round


def power_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples**2))


@pytest.mark.parametrize("number", range(6))
def test_woods_has_a_quiet_tone_a_loud_one_and_one_in_antiphase(number):
    made = woods_round("session", number)
    assert made.intervals.shape == (3, RATE, 2)
    levels = [power_db(one[:, 0]) for one in made.intervals]
    assert np.argmin(levels) == made.answer
    loud = sorted(set(range(3)) - {made.answer})
    assert all(levels[index] - levels[made.answer] == pytest.approx(6.0, abs=1e-9) for index in loud)
    correlations = [np.corrcoef(one.T)[0, 1] for one in made.intervals]
    assert sorted(np.round(correlations, 6)) == [-1, 1, 1] and correlations[made.answer] > 0
    spectrum = np.abs(np.fft.rfft(made.intervals[0, :, 0]))
    assert np.argmax(spectrum) == 200  # Hz, as an interval lasts a second


@pytest.mark.parametrize("number", range(6))
def test_over_loudspeakers_the_antiphase_tone_is_the_quietest(number):
    """Where both channels reach both ears alike, the check must mislead: that is how it works."""
    made = woods_round(3, number)
    summed = [power_db(one.sum(axis=1) + 1e-12) for one in made.intervals]
    assert np.argmin(summed) != made.answer


@pytest.mark.parametrize("number", range(6))
def test_milne_inverts_the_band_of_one_ear_and_changes_no_magnitude(number):
    made = milne_round("session", number)
    for index, one in enumerate(made.intervals):
        left, right = one.T
        if index != made.answer:
            assert np.array_equal(left, right)
            continue
        middle = slice(2000, RATE - 2000)  # off the ramps, which smear the band's edges
        spectra = np.fft.rfft(one[middle] * np.hanning(RATE - 4000)[:, None], axis=0)
        frequencies = np.fft.rfftfreq(RATE - 4000, 1 / RATE)
        inside = np.abs(frequencies - 600) < 30
        outside = np.abs(frequencies - 600) > 45
        assert np.allclose(spectra[inside, 0], -spectra[inside, 1], atol=1e-2 * np.abs(spectra).max())
        assert np.allclose(spectra[outside, 0], spectra[outside, 1], atol=1e-2 * np.abs(spectra).max())


def test_neither_ear_alone_tells_which_noise_it_is():
    """Levels in the band, by ear: the answer is no outlier among the others."""
    answers, others = [], []
    for seed in range(20):
        made = milne_round(seed, 0)
        for index, one in enumerate(made.intervals):
            frequencies, density = welch(one[:, 1], RATE, nperseg=8192)
            band = 10 * np.log10(density[np.abs(frequencies - 600) < 36].mean())
            (answers if index == made.answer else others).append(band)
    assert abs(np.mean(answers) - np.mean(others)) < 4 * np.std(others) / np.sqrt(20)


@pytest.mark.parametrize("check", ["woods", "milne"])
def test_every_place_is_right_twice_and_orders_differ_by_session(check):
    seen = set()
    for seed in range(30):
        answers = [headphone_round(check, seed, number).answer for number in range(6)]
        assert np.bincount(answers, minlength=3).tolist() == [2, 2, 2]
        seen.add(tuple(answers))
    assert len(seen) > 15


@pytest.mark.parametrize("check", ["woods", "milne"])
def test_a_round_is_the_same_again_and_stays_within_full_scale(check):
    first, again, other = (headphone_round(check, seed, 2) for seed in (5, "5", 6))
    assert np.array_equal(first.intervals, again.intervals)
    assert not np.array_equal(first.intervals, other.intervals)
    assert np.abs(first.intervals).max() < 0.99


def test_guessing_passes_rarely():
    assert passes("woods", 5) and not passes("woods", 4) and passes("milne", 6) and not passes("milne", 5)
    assert all(binom.sf(needed - 1, 6, 1 / 3) < norm.sf(2) for needed in NEEDED.values())


def test_unknown_checks_and_rounds_are_refused():
    for wrong in (lambda: headphone_round("huggins", 1, 0), lambda: passes("huggins", 6), lambda: woods_round(1, 6)):
        with pytest.raises(StudyError):
            wrong()

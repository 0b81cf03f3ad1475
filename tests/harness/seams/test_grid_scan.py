"""The search for the grid: found where it is, with its period and phase, and not where it is not."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

from harness.seams import GridScan, planted, scan
from harness.seams.grid_scan import candidate_periods, normal_scores


@pytest.mark.parametrize(("period", "phase"), [(5120, 5120), (3840, 1000), (8000, 7)])
@pytest.mark.parametrize("defect", [partial(planted.slip, samples=6), partial(planted.click, decibels=-20.0)])
def test_a_grid_of_planted_defects_is_found_where_it_is(corpus, period, phase, defect):
    clip = np.concatenate(
        [corpus[name] for name in ("flite_slt_1", "flite_rms_2", "flite_awb_1", "flite_kal16_1", "flite_slt_3")]
    )
    seams = list(range(phase, len(clip), period))
    found = scan(defect(clip, seams))
    assert found.found and found.p < 0.01
    assert found.period_samples == pytest.approx(period, abs=1)
    apart = (found.phase - phase) % period
    assert min(apart, period - apart) <= 12
    positions = np.array(found.positions(len(clip)))
    assert np.abs(positions[:, None] - np.array(seams)).min(axis=0).max() <= 20


def test_a_period_that_is_no_whole_number_of_samples_is_found(corpus):
    """17 frames of 256 samples at 24 kHz."""
    clip = np.concatenate(list(corpus.values())[:6])
    period = 17 * 256 / 24_000 * 16_000
    seams = [round(k * period) for k in range(1, int(len(clip) / period))]
    found = scan(planted.slip(clip, seams))
    assert found.found and found.period_samples == pytest.approx(period, abs=0.2)


def test_several_files_show_what_one_hides(corpus):
    clips = [corpus[name] for name in sorted(corpus) if name.startswith("flite")][:9]
    defective = [planted.level_step(clip, list(range(5120, len(clip), 5120)), 2.0) for clip in clips]
    together = scan(defective)
    assert together.found and together.period_samples == 5120
    assert together.p < min(scan(one).p for one in defective[:3])


@pytest.mark.parametrize("amplitude", [0.0, 0.3])
def test_files_that_begin_alike_are_no_grid_and_a_grid_over_them_is_found(corpus, amplitude):
    """Eight untouched files, then the same with a loud start and end, as decoders give: their starts share a phase."""
    files = [corpus[name].copy() for name in list(corpus)[::3]]
    assert len(files) == 8
    for file in files:
        file[[40, -40]] += amplitude
    assert not scan(files).found
    assert all((normal_scores(file)[edge] == 0).all() for file in files for edge in (slice(40), slice(-40, None)))
    found = scan([planted.slip(file, list(range(5120, len(file), 5120))) for file in files])
    assert found.found and found.period_samples == 5120


@pytest.mark.slow
def test_whole_speech_has_no_grid(corpus):
    found = [scan(clip, seed=index) for index, clip in enumerate(corpus.values())]
    assert sum(one.found for one in found) <= stats.binom.ppf(0.999, len(found), 0.01)
    assert sum(one.p < 0.2 for one in found) <= stats.binom.ppf(0.999, len(found), 0.2)


def test_a_voice_whose_pitch_stands_still_is_no_grid():
    """Pulses every 8 ms fall on many phases of many periods; none of them is a seam."""
    rng = np.random.default_rng(0)
    voice = 0.003 * rng.standard_normal(80_000)
    voice[::128] += 0.5
    assert not scan(voice).found


def test_the_same_seed_gives_the_same_answer(clips):
    assert scan(clips[0], seed=3) == scan(clips[0], seed=3)


def test_what_was_not_found_has_no_positions():
    assert GridScan(5120.0, 4.0, 0.5, False, 10).positions(80_000) == []
    assert GridScan(5120.0, 100.0, 0.001, True, 3).positions(12_000) == [100, 5220, 10_340]


def test_normal_scores_are_normal_and_spikes_are_their_largest(clips):
    spiked = clips[0].copy()
    spiked[8000] += 0.5
    scores = normal_scores(spiked)
    assert len(scores) == len(spiked) // 8
    assert scores.mean() == pytest.approx(0, abs=1e-3) and scores.std() == pytest.approx(1, abs=0.01)
    assert abs(int(scores.argmax()) - 1000) <= 2


def test_candidates_hold_the_periods_of_usual_codecs():
    periods = np.array(candidate_periods(0.04, 2.0))
    assert (np.diff(periods) > 0).all() and periods[0] >= 0.04 and periods[-1] <= 2.0
    for hop in (0.01, 0.02, 0.04, 0.08, 1 / 75, 256 / 22_050, 256 / 24_000, 0.0125):
        for count in (4, 12, 25):
            if 0.04 <= count * hop <= 2:
                assert np.abs(periods - count * hop).min() < 1e-6


@pytest.mark.parametrize(
    ("bounds", "length", "message"),
    [
        ((0.5, 0.1), 80_000, "min_s < max_s"),
        ((0.04, 2.0), 1000, "fewer than 4 seams"),
        ((0.5, 2.0), 16_000, "fewer than 4"),
    ],
)
def test_searches_that_cannot_be_made_are_refused(bounds, length, message):
    with pytest.raises(ValueError, match=message):
        scan(np.zeros(length), *bounds)

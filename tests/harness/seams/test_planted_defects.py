"""Planted defects are seen, whole speech and plain noise are not: sensitivity and false alarms on real speech."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import hilbert, lfilter

from harness.seams import UNITS, planted, seam_detectability, seam_summary, seam_table

PERIODS = {"320 ms": 5120, "240 ms": 3840}


def grid(length: int, period: int, first: int | None = None) -> list[int]:
    return list(range(period if first is None else first, length, period))


def tables_of(clips: list[np.ndarray], period: int, defect: Callable, reference: bool = False) -> pd.DataFrame:
    tables = []
    for index, clip in enumerate(clips):
        seams = grid(len(clip), period)
        table = seam_table(defect(clip, seams), seams, clip if reference else None)
        tables.append(table.assign(utterance=str(index)))
    return pd.concat(tables)


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
@pytest.mark.parametrize("defect", [planted.click, planted.level_step, planted.phase_jump, planted.slip])
def test_a_planted_defect_clicks_at_the_seams_and_in_the_reference_nothing_does(clips, defect, period):
    click = seam_summary(tables_of(clips, period, defect, reference=True)).loc["click"]
    assert click["z"] > 4
    assert click["seam"] > click["interior"] + 0.2
    assert click["seam"] > click["reference"] + 0.2
    assert click["effect"] > 0.1 and click["p"] < 0.01
    assert abs(click["z_reference"]) < 3


@pytest.mark.parametrize(
    ("measure", "defect", "least"),
    [
        ("phase_deviation", planted.slip, 6),
        ("phase_deviation", planted.phase_jump, 2),
        ("group_delay", lambda s, g: planted.slip(s, g, 16), 3),
        ("excess_pause", planted.pause, 5),
        ("mel_flux", planted.pause, 8),
        ("energy_step_db", lambda s, g: planted.level_step(s, g, 6.0), 6),
        ("mel_flux", lambda s, g: planted.level_step(s, g, 12.0), 4),
    ],
)
def test_each_measure_sees_what_it_is_made_for(corpus, measure, defect, least):
    table = tables_of(list(corpus.values()), 5120, defect, reference=True)
    row = seam_summary(table).loc[measure]
    assert row["z"] > least
    assert abs(row["z_reference"]) < 3


def test_a_step_of_thirty_cents_in_real_speech_is_seen_by_f0(corpus):
    """By turns up and down, so that only steps of pitch are there: no measure of breaks sees it."""
    table = tables_of(list(corpus.values()), 5120, lambda s, g: planted.pitch_step(s, g, 30.0))
    z = seam_summary(table, resamples=0)["z"]
    assert z["f0_step_cents"] > 2.5
    assert z["click"] < 3 and z["excess_pause"] < 3


def test_stronger_defects_stand_out_more(clips):
    z, size = [], []
    for decibels in (0.25, 0.5, 1, 2):
        table = tables_of(clips, 5120, lambda s, g, d=decibels: planted.level_step(s, g, d))
        row = seam_summary(table, resamples=0).loc["click"]
        z.append(row["z"])
        size.append(row["effect"])
    assert z == sorted(z) and z[-1] > z[0] + 4
    assert size == sorted(size)


def test_noise_hides_no_grid_and_makes_none(clips):
    z = seam_summary(tables_of(clips, 5120, planted.noise), resamples=0)["z"].dropna()
    assert {"click", "phase_deviation", "f0_step_cents"} <= set(z.index)
    assert (z.abs() < 3).all(), z


@pytest.mark.slow
def test_whole_speech_raises_no_more_alarms_than_chance(corpus, speakers):
    """Untouched, on grids at random phases: single clips, the corpus together, and the classifier.

    Bounds are what counts of independent tests at the nominal rate exceed once in a thousand.
    """
    rng = np.random.default_rng(0)
    single, pooled, areas = [], [], []
    for turn in range(6):
        tables = []
        for name, clip in corpus.items():
            table = seam_table(clip, grid(len(clip), 3840, int(rng.integers(400, 3840)))).assign(utterance=name)
            single.append(seam_summary(table, resamples=200, seed=turn)[["z", "p"]])
            tables.append(table)
        together = pd.concat(tables)
        pooled.append(seam_summary(together, resamples=0)["z"])
        areas.append(seam_detectability(together, speakers=speakers).iloc[0])
    rows = pd.concat(single)
    for measure in UNITS:
        z, p = rows.loc[measure, "z"].dropna(), rows.loc[measure, "p"].dropna()
        assert (z > 2).sum() <= stats.binom.ppf(0.999, len(z), stats.norm.sf(2)), measure
        assert (p < 0.05).sum() <= stats.binom.ppf(0.999, len(p), 0.05), measure
        assert 0.75 < z.std() < 1.3, measure
    pooled = pd.DataFrame(pooled)
    assert (pooled.abs() < 4).all(axis=None)
    assert (pooled.mean().abs() < 4 / np.sqrt(6)).all()
    areas = pd.DataFrame(areas)
    assert abs(areas["auc"].mean() - 0.5) < 0.04
    assert (areas["low"] > 0.5).sum() <= 2


def test_a_step_of_pitch_is_seen_by_f0_and_a_step_of_level_by_energy():
    """A gliding harmonic tone, 100 cents up and down by turns; and the same with 3 dB by turns."""
    length, period, rate = 96_000, 5120, 16_000
    seams = grid(length, period)
    rng = np.random.default_rng(0)
    drift = np.cumsum(rng.standard_normal(length)) * 2e-4  # octaves
    turn = np.searchsorted(seams, np.arange(length), side="right") % 2

    def voice(cents: float) -> np.ndarray:
        phase = 2 * np.pi * np.cumsum(140 * 2 ** (drift + turn * cents / 1200)) / rate
        return 0.1 * sum(np.cos(k * phase) / k for k in range(1, 20)) + 1e-4 * rng.standard_normal(length)

    stepped = seam_summary(seam_table(voice(100), seams), resamples=0)
    assert stepped.loc["f0_step_cents", "seam"] > stepped.loc["f0_step_cents", "interior"] + 40
    assert stepped.loc["f0_step_cents", "z"] > 4
    louder = seam_summary(seam_table(planted.level_step(voice(0), seams, 3.0), seams), resamples=0)
    assert louder.loc["energy_step_db", "seam"] == pytest.approx(3, abs=0.5)
    assert louder.loc["energy_step_db", "z"] > 5
    assert louder.loc["f0_step_cents", "z"] < 3


def test_a_change_of_spectrum_is_seen_by_mel_flux():
    white = 0.05 * np.random.default_rng(0).standard_normal(80_000)
    seams = grid(len(white), 3840)
    table = seam_table(planted.alternate(lfilter([1, 0.7], [1], white), white, seams), seams)
    assert seam_summary(table).loc["mel_flux", "z"] > 5


def test_planted_defects_have_the_size_that_they_say(clips):
    clip = clips[1]
    seams = grid(len(clip), 5120)
    np.testing.assert_array_equal(planted.untouched(clip, seams), clip)
    clicks = planted.click(clip, seams) - clip
    assert list(np.flatnonzero(clicks)) == seams
    np.testing.assert_allclose(np.abs(clicks[seams]), np.sqrt(np.mean(clip**2)) * 10**-1.5)
    ratio = planted.level_step(clip, seams, 0.5)[[100, 5220]] / clip[[100, 5220]]
    assert 20 * np.log10(ratio[1] / ratio[0]) == pytest.approx(0.5)
    slipped = planted.slip(clip, seams)
    np.testing.assert_array_equal(slipped[5120:10240], clip[5124:10244])
    np.testing.assert_array_equal(slipped[:5120], clip[:5120])
    noisy = planted.noise(clip, seams) - clip
    assert 10 * np.log10(np.mean(clip**2) / np.mean(noisy**2)) == pytest.approx(30, abs=0.1)
    assert (planted.pause(clip, seams)[5120 + 40 : 5120 + 500] == 0).all()


def test_a_pitch_step_is_a_step_of_pitch_and_nothing_else():
    tone = np.sin(2 * np.pi * 200 / 16_000 * np.arange(32_000))
    seams = grid(len(tone), 5120)
    stepped = planted.pitch_step(tone, seams, 30.0)
    phase = np.unwrap(np.angle(hilbert(stepped)))
    middles = [slice(start + 1000, start + 4000) for start in (5120, 10240, 15360)]
    hertz = [np.polyfit(np.arange(3000), phase[middle], 1)[0] * 16_000 / (2 * np.pi) for middle in middles]
    assert 1200 * np.log2(hertz[0] / hertz[1]) == pytest.approx(30, abs=1)
    assert 1200 * np.log2(hertz[2] / hertz[1]) == pytest.approx(30, abs=1)
    assert np.abs(np.diff(stepped)).max() < 1.01 * np.abs(np.diff(tone)).max() * 2 ** (15 / 1200)

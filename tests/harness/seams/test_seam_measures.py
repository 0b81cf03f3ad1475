"""Seams: planted defects are seen, whole speech and plain noise are not, and the numbers are what they say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import hilbert, lfilter

from harness.seams import COLUMNS, UNITS, lpc_residual, positions_around, seam_summary, seam_table
from streamflow.audio import load_audio

RATE = 16_000
PERIODS = {"320 ms": 5120, "240 ms": 3840}
CLIPS = ("flite_rms_1", "flite_slt_4", "flite_awb_3", "festival_ked_diphone_3", "espeak_en-gb_3", "flite_kal16_2")


@pytest.fixture(scope="module")
def clips(shipped_corpus: Path) -> list[np.ndarray]:
    """Six voices' worth of speech, 27 s."""
    with shipped_corpus.open(encoding="utf-8") as file:
        paths = {row["utterance_id"]: row["path"] for row in csv.DictReader(file)}
    return [load_audio(shipped_corpus.parent / paths[name]).astype(np.float64) for name in CLIPS]


def grid(length: int, period: int, first: int | None = None) -> list[int]:
    return list(range(period if first is None else first, length, period))


def alternate(odd: np.ndarray, even: np.ndarray, seams: list[int]) -> np.ndarray:
    """Chunks by turns from two versions of one signal."""
    turn = np.searchsorted(seams, np.arange(len(even)), side="right") % 2
    return np.where(turn == 1, odd, even)


def level_step(signal: np.ndarray, seams: list[int], decibels: float = 0.5) -> np.ndarray:
    """Steps of ``decibels`` up and down by turns: ±half of it."""
    gain = 10 ** (decibels / 40)
    return alternate(signal * gain, signal / gain, seams)


def phase_jump(signal: np.ndarray, seams: list[int], degrees: float = 10) -> np.ndarray:
    analytic = hilbert(signal)
    return alternate((analytic * np.exp(1j * np.deg2rad(degrees))).real, signal, seams)


def slip(signal: np.ndarray, seams: list[int], samples: int = 4) -> np.ndarray:
    """0.25 ms skipped and repeated by turns."""
    return alternate(np.concatenate([signal[samples:], np.zeros(samples)]), signal, seams)


def noise(signal: np.ndarray, seams: list[int], snr_db: float = 30) -> np.ndarray:
    rng = np.random.default_rng(len(signal))
    return signal + rng.standard_normal(len(signal)) * np.sqrt(np.mean(signal**2)) * 10 ** (-snr_db / 20)


def summary_of(clips: list[np.ndarray], period: int, defect, reference: bool = False) -> pd.DataFrame:
    tables = []
    for index, clip in enumerate(clips):
        seams = grid(len(clip), period)
        table = seam_table(defect(clip, seams), seams, clip if reference else None)
        tables.append(table.assign(utterance=str(index)))
    return seam_summary(pd.concat(tables))


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
@pytest.mark.parametrize("defect", [level_step, phase_jump, slip])
def test_a_planted_defect_clicks_at_the_seams_and_in_the_reference_nothing_does(clips, defect, period):
    click = summary_of(clips, period, defect, reference=True).loc["click"]
    assert click["z"] > 4
    assert click["seam"] > click["interior"] + 0.2
    assert click["seam"] > click["reference"] + 0.2
    assert abs(click["z_reference"]) < 3


def test_stronger_defects_stand_out_more(clips):
    z = [summary_of(clips, 5120, lambda s, g, d=d: level_step(s, g, d)).loc["click", "z"] for d in (0.25, 0.5, 1, 2)]
    assert z == sorted(z) and z[-1] > z[0] + 5


def test_noise_hides_no_grid_and_makes_none(clips):
    summary = summary_of(clips, 5120, noise)
    assert (summary["z"].abs() < 3).all(), summary["z"]


def test_whole_speech_raises_no_more_alarms_than_chance(clips):
    """Untouched, at grids with no relation to the speech: single clips, then the corpus."""
    rng = np.random.default_rng(0)
    single, pooled = [], []
    for _ in range(5):
        tables = []
        for index, clip in enumerate(clips):
            table = seam_table(clip, grid(len(clip), 3840, int(rng.integers(400, 3840))))
            single.append(seam_summary(table)["z"])
            tables.append(table.assign(utterance=index))
        pooled.append(seam_summary(pd.concat(tables))["z"])
    single, pooled = pd.DataFrame(single), pd.DataFrame(pooled)
    for measure in UNITS:
        assert (single[measure] > 2).mean() <= 0.15, measure  # 30 clips; 0.025 expected, 0.05 for skewed measures
        assert abs(pooled[measure].mean()) < 1.4, measure  # 5 values of unit variance: 3 standard errors
    assert single["click"].std() < 1.3
    assert (pooled["click"].abs() < 3).all()


def test_a_step_of_pitch_is_seen_by_f0_and_a_step_of_level_by_energy():
    """A gliding harmonic tone, 100 cents up and down by turns; and the same with 3 dB by turns."""
    length, period = 6 * RATE, 5120
    seams = grid(length, period)
    rng = np.random.default_rng(0)
    drift = np.cumsum(rng.standard_normal(length)) * 2e-4  # octaves
    turn = np.searchsorted(seams, np.arange(length), side="right") % 2

    def voice(cents: float) -> np.ndarray:
        phase = 2 * np.pi * np.cumsum(140 * 2 ** (drift + turn * cents / 1200)) / RATE
        return 0.1 * sum(np.cos(k * phase) / k for k in range(1, 20)) + 1e-4 * rng.standard_normal(length)

    stepped = seam_summary(seam_table(voice(100), seams))
    assert stepped.loc["f0_step_cents", "seam"] == pytest.approx(100, abs=40)
    assert stepped.loc["f0_step_cents", "z"] > 5
    louder = seam_summary(seam_table(level_step(voice(0), seams, 3.0), seams))
    assert louder.loc["energy_step_db", "seam"] == pytest.approx(3, abs=0.5)
    assert louder.loc["energy_step_db", "z"] > 5
    assert louder.loc["f0_step_cents", "z"] < 3


def test_a_change_of_spectrum_is_seen_by_mel_flux():
    rng = np.random.default_rng(0)
    white = 0.05 * rng.standard_normal(5 * RATE)
    seams = grid(len(white), 3840)
    summary = seam_summary(seam_table(alternate(lfilter([1, 0.7], [1], white), white, seams), seams))
    assert summary.loc["mel_flux", "z"] > 5


def test_a_click_in_digital_silence_is_seen():
    silence = np.zeros(3 * RATE)
    seams = grid(len(silence), 3840)
    table = seam_table(silence, seams)
    assert (table.loc[table["measure"] == "click", "value"] == 0).all()
    silence[seams] = 0.01
    clicks = seam_table(silence, seams).query("measure == 'click'")
    assert clicks.query("role == 'seam'")["value"].min() > 5
    assert clicks.query("role == 'interior'")["value"].max() == 0


def test_the_table_has_a_row_for_each_seam_its_match_and_the_reference(clips):
    clip = clips[1]
    seams = [0, *grid(len(clip), 3840)]
    table = seam_table(clip.astype(np.float32), seams, clip)
    assert list(table.columns) == COLUMNS and set(table["measure"]) == set(UNITS)
    for measure, rows in table.groupby("measure"):
        assert (rows["unit"] == UNITS[measure]).all()
        at = {role: list(part["sample"]) for role, part in rows.groupby("role")}
        assert set(at["seam"]) <= set(seams[1:]) and len(at["reference"]) == len(at["seam"])
        assert at["grid_mean"] == at["grid_sd"] == [-1]
        if measure != "f0_step_cents":
            assert len(at["interior"]) == len(at["seam"]) == len(seams) - 1
    seam, reference = (table[table["role"] == role]["value"].to_numpy() for role in ("seam", "reference"))
    assert seam == pytest.approx(reference, abs=1e-4)


def test_z_is_the_seams_mean_among_grids_drawn_at_random(clips):
    """The closed form against 4,000 shifted grids that are really drawn, energy step computed by hand."""
    clip, period = clips[3], 3840
    seams = grid(len(clip), period)[:-1]

    def step(at: int) -> float:
        before, after = clip[at - 320 : at], clip[at : at + 320]
        return abs(10 * np.log10((np.mean(after**2) + 1e-10) / (np.mean(before**2) + 1e-10)))

    rng = np.random.default_rng(0)
    pools = [[step(p) for p in positions_around(seam, seams, len(clip))] for seam in seams]
    drawn = np.mean([rng.choice(pool, 4000) for pool in pools], axis=0)
    expected = (np.mean([step(seam) for seam in seams]) - drawn.mean()) / drawn.std()
    row = seam_summary(seam_table(clip, seams)).loc["energy_step_db"]
    assert row["seam"] == pytest.approx(np.mean([step(seam) for seam in seams]))
    # the closed form also allows for the scatter of the means that seams are held against: up to 10 % wider
    assert row["z"] == pytest.approx(expected, rel=0.12, abs=0.03)
    assert row["n"] == len(seams)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 80_000), min_size=1, max_size=40, unique=True))
def test_positions_around_a_seam_are_frames_from_it_off_all_seams_and_inside(seams: list[int]):
    seams.sort()
    for seam in seams:
        pool = positions_around(seam, seams, 80_000)
        assert ((pool - seam) % 160 == 0).all()
        assert ((pool >= 320) & (pool <= 80_000 - 320)).all()
        assert (np.abs(pool - seam) <= 8000).all()
        assert not set(pool.tolist()) & set(seams)


def test_seams_of_single_tokens_leave_enough_to_compare_with(clips):
    summary = summary_of(clips[:1], 640, slip)
    assert summary.loc["click", "n"] > 60 and summary.loc["click", "z"] > 4


def test_a_rendering_without_seams_gives_an_empty_table(clips):
    for seams in ([], [0], [5], [len(clips[0]) - 3]):
        table = seam_table(clips[0], seams, clips[0])
        assert table.empty and list(table.columns) == COLUMNS
        assert seam_summary(table).empty


def test_a_reference_that_is_shorter_is_measured_as_far_as_it_goes(clips):
    clip = clips[1]
    seams = grid(len(clip), 3840)
    table = seam_table(clip, seams, clip[: seams[3]])
    energy = table[table["measure"] == "energy_step_db"]
    assert list(energy[energy["role"] == "reference"]["sample"]) == seams[:3]


@pytest.mark.parametrize(
    ("signal", "rate", "message"),
    [
        (np.zeros(8000), 8000, "8000 Hz"),
        (np.zeros((2, 8000)), RATE, "mono"),
        (np.full(8000, np.nan), RATE, "not finite at sample 0"),
    ],
)
def test_signals_that_cannot_be_measured_are_refused(signal, rate, message):
    with pytest.raises(ValueError, match=message):
        seam_table(signal, [4000], None, rate)


def test_the_residual_of_an_autoregressive_signal_is_its_innovation():
    innovation = 0.01 * np.random.default_rng(0).standard_normal(2 * RATE)
    signal = lfilter([1], np.poly([0.9 * np.exp(0.5j), 0.9 * np.exp(-0.5j), 0.8]).real, innovation)
    residual = lpc_residual(signal)
    assert len(residual) == len(signal)
    assert np.corrcoef(residual[1000:-1000], innovation[1000:-1000])[0, 1] > 0.97

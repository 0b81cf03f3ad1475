"""The table of seams: what rows there are, what their numbers are, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter
from scipy.stats import norm, rankdata

from harness.seams import COLUMNS, UNITS, lpc_residual, positions_around, seam_summary, seam_table
from harness.seams.table import normal_scores

RATE = 16_000
TOTALS = ["grid_mean", "grid_sd", "score_sum", "score_variance"]


def grid(length: int, period: int) -> list[int]:
    return list(range(period, length, period))


def test_the_table_has_a_row_for_each_seam_its_match_and_the_reference(clips):
    clip = clips[1]
    seams = [0, *grid(len(clip), 3840)]
    table = seam_table(clip.astype(np.float32), seams, clip)
    assert list(table.columns) == COLUMNS and set(table["measure"]) == set(UNITS)
    for measure, rows in table.groupby("measure"):
        assert (rows["unit"] == UNITS[measure]).all()
        at = {role: list(part["sample"]) for role, part in rows.groupby("role")}
        assert set(at) == {"seam", "interior", "reference", "reference_interior"} | {
            name for total in TOTALS for name in (total, f"reference_{total}")
        }
        assert set(at["seam"]) <= set(seams[1:]) and len(at["reference"]) == len(at["seam"])
        assert len(at["interior"]) == len(at["seam"]) and len(at["reference_interior"]) == len(at["reference"])
        assert all(at[total] == [-1] for total in TOTALS)
        for seam, match in zip(at["seam"], at["interior"], strict=True):
            assert match in positions_around(seam, seams[1:], len(clip))
        if measure != "f0_step_cents":
            assert len(at["seam"]) == len(seams) - 1
    seam, reference = (table[table["role"] == role]["value"].to_numpy() for role in ("seam", "reference"))
    assert seam == pytest.approx(reference, abs=1e-3)


def test_grid_mean_and_deviation_are_those_of_grids_that_are_drawn(clips):
    """The closed form against 4,000 shifted grids that are really drawn, energy step computed by hand."""
    clip = clips[3]
    seams = grid(len(clip), 3840)[:-1]
    pools = [[energy_step(clip, p) for p in positions_around(seam, seams, len(clip))] for seam in seams]
    rng = np.random.default_rng(0)
    drawn = np.mean([rng.choice(pool, 4000) for pool in pools], axis=0)
    rows = seam_table(clip, seams).query("measure == 'energy_step_db'").set_index("role")["value"]
    assert rows["seam"].to_numpy() == pytest.approx([energy_step(clip, seam) for seam in seams])
    assert rows["grid_mean"] == pytest.approx(drawn.mean(), rel=0.01)
    # the closed form also allows for the scatter of the means that seams are held against: up to 10 % wider
    assert drawn.std() < rows["grid_sd"] < 1.12 * drawn.std()


def test_z_is_where_the_seams_rank_among_the_positions_around_them(clips):
    """Energy step by hand, ranks and quantiles by scipy; the null is every position's turn at being the seam."""
    clip = clips[3]
    seams = grid(len(clip), 3840)[:-1]
    total = variance = 0.0
    for seam in seams:
        places = positions_around(seam, seams, len(clip))
        pool = np.array([energy_step(clip, p) for p in places])
        null = [score(value, pool[np.abs(places - at) >= 480]) for value, at in zip(pool, places, strict=True)]
        total, variance = total + score(energy_step(clip, seam), pool) - np.mean(null), variance + np.var(null)
    row = seam_summary(seam_table(clip, seams)).loc["energy_step_db"]
    assert row["z"] == pytest.approx(total / np.sqrt(variance), abs=1e-6)
    assert row["n"] == len(seams)


def score(value: float, others: np.ndarray) -> float:
    together = [value, *others]
    return float(norm.ppf((rankdata(together)[0] - 0.5) / len(together)))


def energy_step(clip: np.ndarray, at: int) -> float:
    before, after = clip[at - 320 : at], clip[at : at + 320]
    return abs(10 * np.log10((np.mean(after**2) + 1e-10) / (np.mean(before**2) + 1e-10)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=6, max_size=14), st.integers(-3, 3), st.integers(0, 4))
def test_scores_are_of_ranks_alone_and_of_what_exists(pool: list[int], own: int, absent: int):
    values = np.array([pool], float)
    places = 160.0 * np.arange(len(pool))[None]
    expected = normal_scores(np.array([own], float), values, places, 480.0)
    bent = normal_scores(np.exp([own]), np.exp(values), places, 480.0)
    padded = np.concatenate([values, np.full((1, absent), np.nan)], axis=1)
    further = np.concatenate([places, np.zeros((1, absent))], axis=1)
    filled = normal_scores(np.array([own], float), padded, further, 480.0)
    for found in (bent, filled):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    higher = normal_scores(np.array([own + 1.0]), values, places, 480.0)
    assert higher[0] >= expected[0] and expected[1] >= 0


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


def test_a_match_is_as_loud_as_its_seam_where_there_is_such_a_place(clips):
    """Loud in steps of 6 dB, and nowhere is a match further off than the nearest there is."""
    clip = clips[0]
    seams = grid(len(clip), 5120)
    rows = seam_table(clip, seams).query("measure == 'click'")
    pairs = list(zip(rows.query("role == 'seam'")["sample"], rows.query("role == 'interior'")["sample"], strict=True))
    step = lambda at: np.floor(10 * np.log10(np.mean(clip[at - 320 : at + 320] ** 2) + 1e-10) / 6)  # noqa: E731
    same = sum(step(seam) == step(match) for seam, match in pairs)
    possible = sum(any(step(p) == step(seam) for p in positions_around(seam, seams, len(clip))) for seam, _ in pairs)
    assert same >= 0.7 * possible > 5  # the rest differ in voicing


def test_matches_of_whole_speech_are_like_its_seams_in_every_measure(corpus):
    """By Student's t over clips; the position nearest in level would have larger steps of energy."""
    rng = np.random.default_rng(0)
    differences = []
    for clip in corpus.values():
        for phase in rng.integers(400, 5120, 2):
            rows = seam_table(clip, list(range(int(phase), len(clip), 5120)))
            means = rows.groupby(["measure", "role"])["value"].mean().unstack()
            differences.append(means["seam"] - means["interior"])
    found = pd.DataFrame(differences)
    for measure in UNITS:
        values = found[measure].dropna()
        assert abs(values.mean()) < 4 * values.sem(), measure


def test_a_click_in_digital_silence_is_seen():
    silence = np.zeros(3 * RATE)
    seams = grid(len(silence), 3840)
    table = seam_table(silence, seams)
    assert (table.loc[(table["measure"] == "click") & (table["role"] == "seam"), "value"] == 0).all()
    silence[seams] = 0.01
    clicks = seam_table(silence, seams).query("measure == 'click'")
    assert clicks.query("role == 'seam'")["value"].min() > 5
    assert clicks.query("role == 'interior'")["value"].max() == 0


def test_seams_of_single_tokens_leave_enough_to_compare_with(clips):
    clip = clips[0]
    seams = grid(len(clip), 640)
    shifted = np.concatenate([clip[4:], np.zeros(4)])
    turn = np.searchsorted(seams, np.arange(len(clip)), side="right") % 2
    summary = seam_summary(seam_table(np.where(turn == 1, shifted, clip), seams))
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


def test_what_was_measured_before_does_not_leak_into_what_is_measured_now(clips):
    """Signals are kept between calls: another signal, and the caller's own array changed in place, are other signals."""
    clip = clips[0].copy()
    seams = grid(len(clip), 5120)
    before = seam_table(clip, seams)
    clip[seams] += 0.05
    after = seam_table(clip, seams)
    click = [t.query("measure == 'click' and role == 'seam'")["value"].mean() for t in (before, after)]
    assert click[1] > click[0] + 1
    clip[seams] -= 0.05
    assert seam_table(clips[0], seams).equals(before)


def test_the_residual_of_an_autoregressive_signal_is_its_innovation():
    innovation = 0.01 * np.random.default_rng(0).standard_normal(2 * RATE)
    signal = lfilter([1], np.poly([0.9 * np.exp(0.5j), 0.9 * np.exp(-0.5j), 0.8]).real, innovation)
    residual = lpc_residual(signal)
    assert len(residual) == len(signal)
    assert np.corrcoef(residual[1000:-1000], innovation[1000:-1000])[0, 1] > 0.97


def test_the_residual_is_what_scipy_solves_the_normal_equations_to(clips):
    """Two overlapping frames, each by Toeplitz solution and filtering, cross-faded."""
    clip, hop, size, order = clips[0], 251, 502, 16
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    first = 20 * hop
    out = np.zeros(size + hop)
    for number, start in enumerate((first, first + hop)):
        frame = clip[start : start + size] * window
        lags = np.correlate(frame, frame, "full")[size - 1 : size + order]
        lags[0] = lags[0] * (1 + 1e-9) + 1e-12
        predictor = solve_toeplitz(lags[:-1], lags[1:])
        error = lfilter(np.concatenate([[1], -predictor]), [1], clip[start - order : start + size])[order:]
        out[number * hop : number * hop + size] += window * error
    np.testing.assert_allclose(lpc_residual(clip)[first + hop : first + size], out[hop:size], atol=1e-9)

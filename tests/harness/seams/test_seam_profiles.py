"""Profiles against the distance to the seam: peaks where defects are, means as by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.seams import MEASURES, PROFILE_COLUMNS, fold, mel_distance_by_offset, planted, profile_rows, seam_table
from harness.seams.profiles import MEL_DISTANCE
from streamflow.mel import log_mel

PERIOD = 5120


def grid(length: int, period: int = PERIOD) -> list[int]:
    return list(range(period, length, period))


def test_a_fold_peaks_at_the_seams_and_nowhere_else(corpus):
    clip = np.concatenate(list(corpus.values())[:8])
    seams = grid(len(clip))
    profile = fold(planted.slip(clip, seams), seams, "click").set_index("offset_s")["value"]
    assert profile.idxmax() == 0
    apart = profile[np.abs(profile.index) > 0.03]
    assert profile[0.0] > apart.mean() + 5 * apart.std()
    whole = fold(clip, seams, "click").set_index("offset_s")["value"]
    assert whole[0.0] < apart.mean() + 4 * apart.std()


def test_a_fold_shows_where_a_seam_is_that_was_said_to_lie_elsewhere(corpus):
    clip = np.concatenate(list(corpus.values())[:8])
    seams = grid(len(clip))
    said = [seam - 320 for seam in seams]
    profile = fold(planted.slip(clip, seams), said, "click").set_index("offset_s")["value"]
    assert profile.idxmax() == pytest.approx(0.02)


def test_the_value_at_the_seam_is_the_mean_of_the_table(clips):
    clip = clips[0]
    seams = grid(len(clip))
    table = seam_table(clip, seams)
    for measure in ("click", "mel_flux", "energy_step_db", "phase_deviation"):
        profile = fold(clip, seams, measure).set_index("offset_s")
        rows = table[(table["measure"] == measure) & (table["role"] == "seam")]
        assert profile.loc[0.0, "value"] == pytest.approx(rows["value"].mean())
        assert profile.loc[0.0, "n"] == len(rows)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=12, unique=True))
def test_no_position_is_counted_for_two_seams_or_outside_the_file(seams: list[int]):
    signal = np.random.default_rng(0).standard_normal(40_000) * 0.1
    profile = fold(signal, seams, "energy_step_db")
    inside = [seam for seam in seams if 320 <= seam <= 40_000 - 320]
    assert (profile["n"] <= len(inside)).all() and (profile["n"] > 0).all()
    assert profile["offset_s"].is_monotonic_increasing
    assert (profile["offset_s"].abs() <= 0.5).all()


def test_distance_to_offline_is_largest_where_the_streaming_differs(clips):
    """A chunk's first 50 ms are muffled: the distance is there and nowhere else."""
    whole = clips[0]
    seams = grid(len(whole))
    streamed = whole.copy()
    for seam in seams:
        streamed[seam : seam + 800] *= 0.5
    profile = mel_distance_by_offset(streamed, whole, seams).set_index("offset_s")["value"]
    near = profile[(profile.index > 0.01) & (profile.index < 0.04)]
    far = profile[(profile.index < -0.05) | (profile.index > 0.1)]
    assert near.min() > 4 and far.max() < 0.5


def test_distance_to_offline_is_by_hand_the_mean_over_frames(clips):
    rng = np.random.default_rng(0)
    whole = clips[0][:32_000]
    streamed = whole + 0.003 * rng.standard_normal(len(whole))
    seams = [8000, 16_000, 24_000]
    profile = mel_distance_by_offset(streamed, whole, seams)
    db = [20 / np.log(10) * log_mel(s).numpy() for s in (streamed, whole)]
    db = [np.maximum(one, db[1].max() - 80) for one in db]
    distance = np.abs(db[0] - db[1]).mean(axis=1)
    first = profile.set_index(profile["offset_s"].round(4))["value"][0.005]
    assert first == pytest.approx(np.mean([distance[seam // 160] for seam in seams]), rel=1e-5)
    assert set(profile["kind"]) == {MEL_DISTANCE} and list(profile.columns) == PROFILE_COLUMNS
    assert profile["n"].sum() <= len(distance)


def test_all_profiles_of_a_rendering_are_rows_of_the_runs_table(clips):
    clip = clips[0]
    seams = [0, *grid(len(clip))]
    rows = profile_rows(clip.astype(np.float32), seams, clip[:-100])
    kinds = {row["kind"] for row in rows}
    assert MEL_DISTANCE in kinds and kinds - {MEL_DISTANCE} <= set(MEASURES)
    assert all(list(row) == PROFILE_COLUMNS and np.isfinite(row["value"]) and row["n"] >= 1 for row in rows)
    assert {row["kind"] for row in profile_rows(clip, seams)} == kinds - {MEL_DISTANCE}


def test_without_seams_there_are_no_profiles(clips):
    assert profile_rows(clips[0], [], clips[0]) == []
    assert fold(clips[0], [0], "click").empty
    with pytest.raises(KeyError):
        fold(clips[0], [5120], "loudness")

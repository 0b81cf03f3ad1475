"""What holds for every metric: identity value, direction, bad input as a reason, one row each."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import REGISTRY, MetricError, Unscored, get_metric, score_pair
from streamflow.audio import load_audio

IDENTITY = {
    "pesq_wb": 4.643888,  # P.862.2: 0.999 + 4 / (1 + exp(-1.3669 * 4.5 + 3.8224))
    "pesq_nb": 4.548638,  # P.862.1: 0.999 + 4 / (1 + exp(-1.4945 * 4.5 + 4.6607))
    "stoi": 1.0,
    "estoi": 1.0,
    "visqol": 5.0,
    "speaker_similarity": 1.0,
    "mcd": 0.0,
    "mcd_dtw": 0.0,
    "f0_rmse_cents": 0.0,
    "f0_median_cents": 0.0,
    "gross_pitch_error": 0.0,
    "voicing_error": 0.0,
    "f0_frame_error": 0.0,
    "f0_correlation": 1.0,
    "f0_range_ratio": 1.0,
    "f0_declination": 0.0,
    "mel_distance": 0.0,
    "log_spectral_distance": 0.0,
    "energy_correlation": 1.0,
    "duration_ratio": 1.0,
    "delay_ms": 0.0,
}
NAMES = list(IDENTITY)


def utterance(shipped_corpus: Path, name: str) -> np.ndarray:
    with shipped_corpus.open(encoding="utf-8") as file:
        (path,) = [row["path"] for row in csv.DictReader(file) if row["utterance_id"] == name]
    return load_audio(shipped_corpus.parent / path)


@pytest.fixture(scope="module")
def speech(shipped_corpus: Path) -> np.ndarray:
    return utterance(shipped_corpus, "flite_rms_1")


def noisy(speech: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return (speech + noise * np.sqrt(np.mean(speech**2)) * 10 ** (-snr_db / 20)).astype(np.float32)


def test_the_identities_tested_here_are_those_of_all_that_need_a_reference_and_nothing_else():
    assert set(IDENTITY) == {name for name, metric in REGISTRY.items() if metric.needs == {"reference"}}


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_against_itself_is_perfect(name: str, speech: np.ndarray):
    assert REGISTRY[name].score(speech, speech) == pytest.approx(IDENTITY[name], abs=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].direction])
def test_more_noise_is_worse(name: str, speech: np.ndarray):
    clean, rough = (REGISTRY[name].score(noisy(speech, snr), speech) for snr in (40, 10))
    assert clean > rough if REGISTRY[name].direction == "higher" else clean < rough


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["rendering", "reference"])
def test_what_cannot_be_scored_says_which_signal_and_why(name: str, which: str, speech: np.ndarray):
    holed = speech.copy()
    holed[1234] = np.nan
    bad = {
        f"the {which} holds nan at sample 1234": holed,
        f"the {which} is silent": np.zeros_like(speech),
        f"the {which} is empty": speech[:0],
        "lengths may differ by at most 0.25 s": speech[:-8000],
        f"the {which} is float32 [2, {len(speech)}]; it must be mono": np.stack([speech, speech]),
    }
    if REGISTRY[name].any_length:
        del bad["lengths may differ by at most 0.25 s"]
    for reason, signal in bad.items():
        pair = (signal, speech) if which == "rendering" else (speech, signal)
        value = REGISTRY[name].score(*pair)
        assert isinstance(value, Unscored)
        assert reason in value.reason
        assert "\n" not in value.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_that_is_too_short_says_what_is_needed(name: str, speech: np.ndarray):
    value = REGISTRY[name].score(speech[8000:11000], speech[8000:11000])
    assert isinstance(value, Unscored)
    whose = "the shorter of the two has 0.19 s" if REGISTRY[name].any_length else "the signals have 0.19 s in common"
    assert f"{name} needs {REGISTRY[name].minimum_s:g} s; {whose}" in value.reason


@pytest.mark.parametrize("name", NAMES)
def test_another_rate_is_refused(name: str, speech: np.ndarray):
    assert "8000 Hz; convert" in REGISTRY[name].score(speech, speech, 8000).reason


@settings(max_examples=10, deadline=None)
@given(
    length=st.integers(0, 9000),
    scale=st.sampled_from([0.0, 1e-9, 1e-5, 0.1, 3.0, 1e6]),
    kind=st.sampled_from(["noise", "impulse", "constant", "half silent"]),
)
def test_no_input_makes_a_metric_raise_or_return_what_is_not_finite(length: int, scale: float, kind: str):
    signal = np.random.default_rng(length).standard_normal(length)
    if kind == "impulse":
        signal[1:] = 0
    if kind == "constant":
        signal[:] = 1
    if kind == "half silent":
        signal[: length // 2] = 0
    signal = (signal * scale).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for row in score_pair(signal, signal[::-1], NAMES):
            assert (row["value"] is None) == bool(row["unscored_because"])
            assert row["value"] is None or np.isfinite(row["value"])


def test_a_row_per_metric_in_the_order_asked(speech: np.ndarray):
    rows = score_pair(noisy(speech, 20), speech, ["stoi", "pesq_wb"])
    assert [row["metric"] for row in rows] == ["stoi", "pesq_wb"]
    for row in rows:
        metric = REGISTRY[row["metric"]]
        assert row["identity"] == metric.identity and row["unit"] == metric.unit and row["unscored_because"] == ""
        assert row["value"] == pytest.approx(metric.score(noisy(speech, 20), speech), abs=1e-12)


def test_an_unscored_row_has_no_value(speech: np.ndarray):
    (row,) = score_pair(np.zeros_like(speech), speech, ["stoi"])
    assert row["value"] is None and "the rendering is silent" in row["unscored_because"]


def test_identities_name_implementation_and_version():
    assert REGISTRY["pesq_wb"].identity.startswith("pesq_wb[pesq-0.0.4;")
    assert REGISTRY["f0_rmse_cents"].identity.startswith("f0_rmse_cents[pyworld-0.3.5;dio+stonemask,5ms,")
    assert "resemblyzer-0.1.4;weights-39373b86598f;" in REGISTRY["speaker_similarity"].identity
    assert len({metric.identity for metric in REGISTRY.values()}) == len(REGISTRY)
    for metric in REGISTRY.values():
        assert metric.identity.startswith(f"{metric.name}[") and "missing" not in metric.identity and metric.source


def test_an_unknown_metric_is_answered_with_the_nearest():
    with pytest.raises(MetricError, match=r"'pesqwb'; did you mean pesq_wb\?"):
        get_metric("pesqwb")
    with pytest.raises(MetricError, match="there are pesq_wb, pesq_nb, stoi"):
        score_pair(np.zeros(3, np.float32), np.zeros(3, np.float32), ["xyz"])


def test_lengths_that_differ_by_a_token_are_cut_to_what_is_common(speech: np.ndarray):
    for rendering, reference in ((speech[:-639], speech), (speech, speech[:-639])):
        for row in score_pair(rendering, reference, NAMES):
            near = 0.05 if REGISTRY[row["metric"]].any_length else 1e-4  # what is compared whole differs by the token
            assert row["value"] == pytest.approx(IDENTITY[row["metric"]], abs=near), row


def test_a_delay_costs_no_intrusive_metric_anything(speech: np.ndarray):
    late = np.concatenate([np.zeros(777, np.float32), speech])
    expected = {**IDENTITY, "delay_ms": 1000 * 777 / 16000, "duration_ratio": len(late) / len(speech)}
    for row in score_pair(late, speech, NAMES):
        near = 0.02 if row["metric"] in ("f0_range_ratio", "f0_declination") else 1e-4  # of whole contours
        assert row["value"] == pytest.approx(expected[row["metric"]], abs=near), row


def test_a_gain_changes_no_metric(speech: np.ndarray):
    for row in score_pair(speech * np.float32(0.5), speech, NAMES):
        assert row["value"] == pytest.approx(IDENTITY[row["metric"]], abs=1e-3), row

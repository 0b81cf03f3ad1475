"""DNSMOS and PLCMOS are those of speechmos called bare, the same every time, and never of what they cannot take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.metrics import REGISTRY, Pair, Unscored
from harness.metrics.dnsmos import METRICS

RATE = 16_000
KEYS = {"dnsmos_ovrl": "ovrl_mos", "dnsmos_sig": "sig_mos", "dnsmos_bak": "bak_mos", "dnsmos_p808": "p808_mos"}
NAMES = [*KEYS, "plcmos"]


def alone(name: str, rendering: np.ndarray) -> float | Unscored:
    """Scored without a reference."""
    return REGISTRY[name].score_pair(Pair(rendering, None))


def test_there_is_a_metric_for_every_answer_of_dnsmos():
    assert [metric.name for metric in METRICS] == list(KEYS)


def test_dnsmos_is_that_of_the_package(speech: np.ndarray, noisy: Callable):
    from speechmos import dnsmos

    longer = np.concatenate([speech] * 5)[: 12 * RATE]  # beyond 9.01 s there are several windows
    edge = np.clip(100 * speech, -1, 1)
    for rendering in (speech, noisy(speech, 10), longer, edge):
        expected = dnsmos.run(rendering, RATE)
        for name, key in KEYS.items():
            assert alone(name, rendering) == pytest.approx(expected[key], abs=1e-6)


def test_plcmos_is_that_of_the_package_with_its_raters_seeded(speech: np.ndarray, noisy: Callable):
    from speechmos import plcmos

    for rendering in (speech, noisy(speech, 10)):
        np.random.seed(0)
        expected = plcmos.run(rendering, RATE)["plcmos"]
        np.random.seed(12)  # the state at the call must not matter, nor change
        before = np.random.get_state()[1].copy()
        assert alone("plcmos", rendering) == pytest.approx(expected, abs=1e-6)
        assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_worse_and_scores_repeat_whatever_came_between(name: str, speech: np.ndarray, noisy: Callable):
    clean, rough, again = alone(name, noisy(speech, 40)), alone(name, noisy(speech, 5)), alone(name, noisy(speech, 40))
    assert clean > rough + 0.1 and clean == again


def test_plcmos_hears_gaps(speech: np.ndarray):
    gaps = speech.copy()
    for start in range(4000, len(gaps) - 640, 5120):
        gaps[start : start + 640] = 0
    assert alone("plcmos", gaps) < alone("plcmos", speech) - 0.3


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_predicted_says_why(name: str, speech: np.ndarray):
    loud = speech * np.float32(1.25 / np.abs(speech).max())
    assert (
        alone(name, loud).reason == "the rendering peaks at 1.250, and speechmos takes nothing beyond full scale (1.0)"
    )
    holed = speech.copy()
    holed[5] = np.inf
    assert alone(name, holed).reason == "the rendering holds inf at sample 5"
    assert alone(name, speech[:12000]).reason == f"{name} needs 1 s; the rendering has 0.75 s"
    assert "silent" in alone(name, np.zeros(2 * RATE, np.float32)).reason


@pytest.mark.parametrize("name", NAMES)
def test_a_package_that_is_missing_is_named_with_what_it_needs(name: str, speech: np.ndarray, monkeypatch):
    from harness.metrics import dnsmos, plcmos, speechmos_model

    def bare() -> object:
        return speechmos_model.dnsmos_model.__wrapped__()

    def bare_plc() -> object:
        return speechmos_model.plcmos_model.__wrapped__()

    monkeypatch.setattr(dnsmos, "dnsmos_model", bare)
    monkeypatch.setattr(plcmos, "plcmos_model", bare_plc)
    monkeypatch.setitem(__import__("sys").modules, "speechmos", None)  # what an import of it then meets
    value = alone(name, speech + np.float32(1e-5))  # not a signal that was scored before
    assert isinstance(value, Unscored) and value.reason.startswith(f"{name} cannot run here: ")
    assert "speechmos needs onnxruntime, librosa, requests beside it" in value.reason

"""STOI and ESTOI from shared bands are those of pystoi, on speech and where it is about to break."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pystoi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import REGISTRY, Pair, Unscored
from harness.metrics.estoi import estoi
from harness.metrics.stoi import stoi

RATE = 16_000


def packages_own(reference: np.ndarray, degraded: np.ndarray) -> tuple[float, float]:
    state = np.random.get_state()
    values = []
    for extended in (False, True):
        np.random.seed(0)
        values.append(float(pystoi.stoi(reference, degraded, RATE, extended=extended)))
    np.random.set_state(state)
    return values[0], values[1]


def worse(kind: str, speech: np.ndarray, noisy: Callable) -> np.ndarray:
    tenth = len(speech) // 10
    match kind:
        case "quiet":
            return noisy(speech, 15) * np.float32(1e-3)
        case "clipped":
            return np.clip(10 * speech, -1, 1)
        case "backwards":
            return speech[::-1].copy()
        case "dropouts":
            dropped = noisy(speech, 25)
            dropped[3 * tenth : 6 * tenth] = 0
            return dropped
        case "low-passed":
            return np.convolve(speech, np.ones(16) / 16, mode="same").astype(np.float32)
        case _:
            return noisy(speech, float(kind))


@pytest.mark.parametrize("kind", ["40", "10", "-5", "quiet", "clipped", "backwards", "dropouts", "low-passed"])
@pytest.mark.parametrize("name", ["flite_slt_1", "festival_ked_diphone_1", "espeak_en-gb_1"])
def test_values_are_those_of_the_package(kind: str, name: str, voices: dict[str, np.ndarray], noisy: Callable):
    reference = voices[name]
    degraded = worse(kind, reference, noisy)
    pair = Pair(degraded, reference)
    pair.__dict__["_aligned"] = (degraded, reference)  # some of these shift the estimated delay; not what is tested
    expected = packages_own(reference, degraded)
    assert (stoi(pair), estoi(pair)) == pytest.approx(expected, abs=1e-6)


def test_a_long_recording_worked_on_in_blocks_has_the_packages_values(voices: dict[str, np.ndarray], noisy: Callable):
    reference = np.concatenate([voices[name] for name in sorted(voices)])
    assert len(reference) > 50 * RATE  # several blocks
    degraded = noisy(reference, 10)
    pair = Pair(degraded, reference)
    assert (stoi(pair), estoi(pair)) == pytest.approx(packages_own(reference, degraded), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), length=st.integers(7000, 20000), zeros=st.booleans())
def test_values_are_those_of_the_package_on_any_noise(seed: int, length: int, zeros: bool):
    random = np.random.default_rng(seed)
    reference, degraded = random.standard_normal((2, length)).astype(np.float32) * np.float32(0.1)
    if zeros:
        degraded[length // 3 : 2 * length // 3] = 0
    pair = Pair(degraded, reference)
    pair.__dict__["_aligned"] = (degraded, reference)
    assert (stoi(pair), estoi(pair)) == pytest.approx(packages_own(reference, degraded), abs=1e-6)


def test_digital_silence_leaves_the_global_generator_alone(speech: np.ndarray, noisy: Callable):
    dropped = worse("dropouts", speech, noisy)
    before = np.random.get_state()[1].copy()
    first, second = (REGISTRY["estoi"].score(dropped, speech) for _ in range(2))
    assert first == second and np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("seconds", [0.2, 0.3, 0.35])
@pytest.mark.parametrize("metric", [stoi, estoi])
def test_too_few_active_frames_are_a_reason_where_the_package_returns_1e_5(metric, seconds: float, speech: np.ndarray):
    brief = np.zeros(2 * RATE, np.float32)
    count = int(seconds * RATE)
    brief[8000 : 8000 + count] = speech[8000 : 8000 + count]
    with pytest.warns(RuntimeWarning, match="Not enough STFT frames"):
        assert pystoi.stoi(brief, brief, RATE) == 1e-5
    value = metric(Pair(brief, brief))
    assert isinstance(value, Unscored) and "0.397 s of active speech" in value.reason


def test_bands_of_one_pair_do_not_answer_for_another(speech: np.ndarray, noisy: Callable):
    alone = [REGISTRY["stoi"].score(noisy(speech, snr), speech) for snr in (30, 0)]
    mixed = [REGISTRY[name].score(noisy(speech, snr), speech) for snr in (30, 0, 30, 0) for name in ("estoi", "stoi")]
    assert mixed[1::2] == alone * 2
    assert REGISTRY["stoi"].score(speech, noisy(speech, 0)) != alone[1]  # the order of a pair counts

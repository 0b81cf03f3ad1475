"""What the player puts out, and what of it counts as heard, sample by sample on an offline clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from .site import RATE, speechlike

pytestmark = pytest.mark.slow


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    return speechlike(seconds, seed, RATE)


def noise(seconds: float, seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def lag_of(heard: np.ndarray, sound: np.ndarray, at: int) -> int:
    """Where in ``sound`` the 2000 samples of ``heard`` from ``at`` come from, by the highest correlation."""
    piece = heard[at : at + 2000]
    return int(np.argmax(np.correlate(sound, piece, mode="valid")))


def test_after_switching_the_sounds_are_together_to_the_sample(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": noise(3, 1), "B": noise(3, 2), "C": noise(3, 3)}
    schedule = [[0, "play"], [0.5, "select", "B"], [1.0, "select", "C"], [1.5, "select", "A"], [2.0, "select", "B"]]
    heard = render_offline(sounds, schedule, 3.2)["samples"]
    began = np.flatnonzero(heard)[0]
    for second, label in ((0.2, "A"), (0.7, "B"), (1.2, "C"), (1.7, "A"), (2.2, "B")):
        at = round(second * RATE)
        assert abs(lag_of(heard, sounds[label], at) - (at - began)) <= 1, (
            f"{label} at {second} s is not where it should be"
        )


def test_an_unswitched_sound_passes_unchanged(render_offline: Callable[..., dict]) -> None:
    sound = voice(1.0)
    heard = render_offline({"A": sound, "B": noise(1, 2)}, [[0, "play"]], 1.3)["samples"]
    began = np.flatnonzero(heard)[0]
    first = np.flatnonzero(sound)[0]
    assert np.allclose(heard[began : began + len(sound) - first], sound[first:], atol=1e-6)


def roughness(samples: np.ndarray, window: int = 480) -> np.ndarray:
    """Energy of the second difference in every window of 10 ms: a click stands out by orders of magnitude."""
    second = np.diff(samples, 2)
    return np.array([np.sum(second[i : i + window] ** 2) for i in range(0, len(second) - window, window // 2)])


@pytest.mark.parametrize(
    "actions",
    [
        [[0.5, "select", "B"], [0.8, "select", "A"], [0.803, "select", "B"], [0.806, "select", "A"]],
        [[0.5, "seek", 1.2], [0.9, "seek", 0.1], [0.905, "seek", 1.0]],
        [[0.5, "pause"], [0.9, "play"], [1.103, "pause"], [1.11, "play"]],
        [[0.3, "setLoop", 0.2, 0.55], [1.4, "setLoop", None], [1.5, "select", "B"]],
        [[0.4, "setLoop", 0.1, 0.6], [1.0, "select", "B"], [1.001, "seek", 0.3], [1.002, "pause"]],
    ],
    ids=["switch", "seek", "pause", "loop", "all-at-once"],
)
def test_nothing_that_a_listener_does_clicks(render_offline: Callable[..., dict], actions: list) -> None:
    # tones, whose second difference is tiny: any jump of the waveform shows
    time = np.arange(2 * RATE) / RATE
    sounds = {"A": 0.3 * np.sin(2 * np.pi * 220 * time), "B": 0.3 * np.sin(2 * np.pi * 330 * time + 1)}
    heard = render_offline(sounds, [[0, "play"], *actions], 1.8)["samples"]
    began = np.flatnonzero(heard)[0]
    steady = max(roughness(tone).max() for tone in sounds.values())
    assert roughness(heard[began:]).max() < 3 * steady
    cut = np.concatenate([sounds["A"][:24000], sounds["B"][24000 + 37 :]])  # the measure does see a hard switch
    assert roughness(cut).max() > 30 * steady


def test_the_same_sound_under_two_labels_shows_no_switch_at_all(render_offline: Callable[..., dict]) -> None:
    sound = voice(2.0)
    actions = [[0.5, "select", "B"], [0.9, "select", "A"], [1.2, "setLoop", 0, 2]]
    plain = render_offline({"A": sound, "B": sound}, [[0, "play"]], 1.6)["samples"]
    switched = render_offline({"A": sound, "B": sound}, [[0, "play"], *actions], 1.6)["samples"]
    assert np.abs(plain - switched).max() < 1e-5


def test_coverage_is_the_union_of_what_was_played_under_seeks_and_loops(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": voice(2.0), "B": voice(2.0, 1)}
    schedule = [[0, "play"], [0.5, "seek", 0], [1.2, "seek", 1.6], [1.4, "pause"]]
    found = render_offline(sounds, schedule, 2.0)
    parts = found["listened"]["A"]
    assert parts == [pytest.approx([0, 0.7], abs=0.03), pytest.approx([1.6, 1.8], abs=0.03)]
    assert found["shares"]["A"] == pytest.approx(sum(b - a for a, b in parts) / 2, abs=1e-3)
    assert found["shares"]["B"] == 0 and found["listened"]["B"] == []

    found = render_offline(sounds, [[0, "play"], [0.2, "setLoop", 0.1, 0.6], [2.5, "pause"]], 2.8)
    assert found["listened"]["A"] == [pytest.approx([0, 0.6], abs=0.03)], "a loop heard five times counts once"
    found = render_offline(sounds, [[0, "seek", 1.99], [0, "play"]], 0.5)
    assert found["shares"]["A"] < 0.01, "jumping to the end is not listening"


def test_a_switch_keeps_the_position_and_splits_what_was_heard(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": voice(2.0), "B": voice(2.0, 1)}
    found = render_offline(sounds, [[0, "play"], [0.8, "select", "B"]], 2.2)
    [[start, end]], [[again, last]] = found["listened"]["A"], found["listened"]["B"]
    assert start == 0 and last == pytest.approx(2.0, abs=1e-3)
    assert end == pytest.approx(again, abs=1e-3) and end == pytest.approx(0.8, abs=0.03)
    assert not found["playing"] and found["position"] == pytest.approx(2.0)


def test_sounds_that_do_not_belong_together_start_over_on_a_switch(render_offline: Callable[..., dict]) -> None:
    sounds = {"reference": noise(1.5, 1), "A": noise(0.8, 2)}
    found = render_offline(sounds, [[0, "play"], [0.5, "select", "A"]], 1.8, together=False)
    assert found["shares"]["A"] == 1
    assert found["listened"]["reference"] == [pytest.approx([0, 0.5], abs=0.03)]
    at = round(0.7 * RATE)
    assert lag_of(found["samples"], sounds["A"], at) == pytest.approx(0.17 * RATE, abs=0.03 * RATE)


def test_nothing_is_louder_than_the_level_that_was_set(render_offline: Callable[..., dict]) -> None:
    sound = voice(1.0)
    heard = render_offline({"A": sound}, [[0, "setVolume", 5], [0, "play"]], 1.2, level=0.5)["samples"]
    assert np.abs(heard).max() == pytest.approx(0.5 * np.abs(sound).max(), rel=1e-3)

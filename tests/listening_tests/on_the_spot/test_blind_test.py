"""A blind test on the spot: blind until its end, its sounds alike, its answers kept once."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.on_the_spot import KINDS, BlindTest, BlindTestError, NoSuchTestError
from listening_tests.on_the_spot.sounds import matched, wav_of
from listening_tests.stimuli.levels import active_speech_level
from tests.listening_tests.on_the_spot.speech import RATE, spoken

NAMES = ("full", "naive")


def coins(tosses: Iterable[int]) -> Callable[[], int]:
    return iter(tosses).__next__


def new(kind: str = "abx", trials: int = 4, **options) -> BlindTest:
    first, second = spoken()
    return BlindTest.of(kind, NAMES, first, 0.3 * second, rate=RATE, trials=trials, **options)


def samples_of(file: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768


def play(test: BlindTest) -> dict[str, np.ndarray]:
    return {one["label"]: samples_of(test.file(one["token"])) for one in test.state()["step"]["stimuli"]}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_the_page_knows_depends_on_the_coins(kind):
    """Two tests with all coins opposite, the same answers: apart from random tokens the page is told the same."""
    seen = []
    for side in (0, 1):
        test = new(kind, 3, coin=lambda side=side: side, show_running=False)
        for number in (1, 2):
            test.answer(number, "A")
        state = test.state()
        for one in state["step"]["stimuli"]:
            assert len(one.pop("token")) == 24
        seen.append(json.dumps(state))
    assert seen[0] == seen[1]
    assert "shown" not in seen[0]


@pytest.mark.parametrize("kind", ["abx", "abx-2"])
def test_x_is_the_sound_that_its_coin_says(kind):
    for order, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        test = new(kind, coin=coins([order, x, 0, 0]))
        heard = play(test)
        same = "A" if order == x else "B"
        other = "B" if same == "A" else "A"
        assert np.abs(heard["X"] - heard[same]).max() < 4 / 32768
        assert np.abs(heard["X"] - heard[other]).max() > 0.01
        if kind == "abx-2":
            assert np.abs(heard["Y"] - heard[other]).max() < 4 / 32768
        test.answer(1, same)
        assert test.figures().k == 1


def test_files_have_one_size_and_no_two_the_same_bytes():
    test = new()
    files = [test.file(one["token"]) for one in test.state()["step"]["stimuli"]]
    assert len({len(file) for file in files}) == 1
    assert len(set(files)) == 3
    again = [test.file(one["token"]) for one in test.state()["step"]["stimuli"]]
    assert files == again


def test_only_the_sounds_of_the_trial_shown_can_be_fetched():
    test = new()
    (token, *_) = [one["token"] for one in test.state()["step"]["stimuli"]]
    test.answer(1, "A")
    for gone in (token, "", "x" * 24, "ä" * 12):
        with pytest.raises(NoSuchTestError):
            test.file(gone)


def test_both_sounds_have_the_level_of_the_reference_and_one_length():
    first, second = spoken()
    reference = 0.5 * first
    a, b, level = matched(first, 0.2 * second[:-4000], RATE, reference)
    assert len(a) == len(b) == len(first)
    for sound in (a, b[:-4000]):  # of speech alone: silence at the end is none
        assert active_speech_level(sound, RATE) == pytest.approx(active_speech_level(reference, RATE), abs=0.2)
    assert not b[-4000:].any()
    assert level == pytest.approx(active_speech_level(reference, RATE), abs=0.02)


def test_where_one_would_clip_both_are_softer():
    first, second = spoken()
    spiked = first.copy()
    spiked[1000] = 1.0
    a, b, level = matched(0.1 * spiked, second, RATE, first)
    assert np.abs(a).max() < 1 and np.abs(b).max() < 1
    assert level < active_speech_level(first, RATE)
    assert active_speech_level(b, RATE) == pytest.approx(level, abs=0.05)


def test_dither_has_no_tone_and_no_bias():
    quiet = np.full(200_000, 0.3 / 32768, np.float32)
    steps = samples_of(wav_of(quiet, RATE, 3)) * 32768
    assert steps.mean() == pytest.approx(0.3, abs=0.01)
    assert steps.std() == pytest.approx(np.sqrt(1 / 6 + 1 / 12), rel=0.02)  # triangular dither and rounding


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["A", "same", "B"])), min_size=1, max_size=12))
def test_a_preference_is_counted_for_the_system_and_not_for_the_letter(trials):
    test = new("ab", len(trials), coin=coins([order for order, _ in trials]))
    for number, (_, choice) in enumerate(trials, 1):
        test.answer(number, choice)
    decided = [order if choice == "A" else 1 - order for order, choice in trials if choice != "same"]
    votes = [NAMES[which] for which in decided]
    figures = test.figures()
    assert (figures.n, figures.k) == (len(votes), votes.count("naive"))
    assert [trial["preferred"] for trial in test.state()["trials"] if trial["preferred"]] == votes
    assert test.over


def test_a_preference_under_way_is_told_of_whichever_leads():
    states = []
    for side in (0, 1):
        test = new("ab", 8, coin=lambda side=side: side)
        for number, choice in enumerate("AABA", 1):
            test.answer(number, choice)
        states.append((test.state()["running"], test.state()["words"]))
    assert states[0] == states[1]
    assert (states[0][0]["k"], states[0][0]["n"], states[0][0]["of"]) == (3, 4, "")


def test_an_answer_sent_twice_is_kept_once_and_another_is_refused():
    test = new()
    test.answer(1, "A")
    test.answer(1, "A")
    assert test.state()["done"] == 1
    for number, choice in ((1, "B"), (3, "A"), (0, "A"), (2, "X"), (2, "same")):
        with pytest.raises(BlindTestError):
            test.answer(number, choice)
    assert test.state()["done"] == 1


def test_names_are_told_at_the_end_and_not_before():
    test = new("abx", 2, coin=coins([1, 0, 0, 0]))
    test.answer(1, "A")
    assert test.state()["trials"] is None
    test.answer(2, "A")
    state = test.state()
    assert state["over"] and not state["early"] and state["step"] is None
    assert state["trials"][0] == {
        "number": 1, "A": "naive", "B": "full", "X": "full", "choice": "A", "right": False, "preferred": None
    }  # fmt: skip


def test_who_stops_early_is_told_what_still_holds():
    test = new("abx", 20, coin=lambda: 0)
    for number in range(1, 9):
        test.answer(number, "A")  # A is full, X is full: always right
    test.end()
    state = test.state()
    assert state["over"] and state["early"]
    words = " ".join(state["words"])
    assert "8 of 8 right: you tell them apart" in words
    assert "Stopped after 8 of 20 trials, so p and its interval do not hold" in words
    with pytest.raises(BlindTestError):
        test.answer(9, "A")


def test_five_of_five_and_stopping_there_is_no_proof():
    """p = 0.03 for 5 of 5, had it been planned; having watched, it is not below 0.05."""
    test = new("abx", 16, coin=lambda: 0)
    for number in range(1, 6):
        test.answer(number, "A")
    test.end()
    assert test.figures().p_value < 0.05 < test.figures().p_anytime
    assert "no difference was shown" in test.state()["words"][0]


def test_a_test_ended_at_once_says_nothing():
    test = new()
    test.end()
    assert "nothing can be said" in test.state()["words"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "abc"}, "no blind test is called 'abc'"),
        ({"trials": 0}, "cannot have 0 trials"),
        ({"trials": 101}, "1 to 100"),
        ({"trials": 2.5}, "cannot have 2.5 trials"),
        ({"trials": True}, "cannot have True trials"),
        ({"names": ("full", "full")}, "both sounds are full"),
        ({"a": np.zeros(16000, np.float32)}, "silent"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change, said):
    first, second = spoken()
    wish = {"kind": "abx", "names": NAMES, "a": first, "b": second, "rate": RATE, "trials": 4} | change
    with pytest.raises(BlindTestError, match=said) as caught:
        BlindTest.of(**wish)
    assert "\n" not in str(caught.value)


def test_coins_are_fair_and_independent():
    """1600 real tosses: each place, and whether it agrees with the one before, within four standard errors of half."""
    tosses = []
    test = new("abx", 100)
    for _ in range(8):
        test = BlindTest("abx", NAMES, test.sounds, RATE, 100, 0.0)
        test._draw()
        for number in range(1, 101):
            tosses.append((test.trials[-1].shown["A"], test.trials[-1].shown["X"]))
            test.answer(number, "A")
    flat = np.array(tosses).ravel()
    for share in (flat.mean(), (flat[1:] == flat[:-1]).mean(), (flat[::2] == flat[1::2]).mean()):
        assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(len(flat) / 2)

"""Active speech level against signals whose level and activity are known, and against a sample-by-sample P.56."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening_tests.errors import StudyError
from listening_tests.stimuli.levels import ClippingError, active_speech_level, apply_level, level_of, speech_activity
from listening_tests.study import Levels

RATE = 16_000


def p56_by_the_sample(samples: np.ndarray, rate: int) -> float:
    """Method B as ITU-T P.56 writes it, with its 15 thresholds, one sample after the other."""
    keep, hangover = math.exp(-1 / (0.03 * rate)), math.ceil(0.2 * rate)
    thresholds = [2.0**-power for power in range(15, 0, -1)]
    counts, since = [0] * 15, [hangover] * 15
    p = q = energy = 0.0
    for x in samples:
        energy += x * x
        p = keep * p + (1 - keep) * abs(x)
        q = keep * q + (1 - keep) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                counts[j] += 1
                since[j] = 0
            elif since[j] < hangover:
                counts[j] += 1
                since[j] += 1
    last = None
    for j, threshold in enumerate(thresholds):
        if not counts[j]:
            break
        level, line = 10 * math.log10(energy / counts[j]), 20 * math.log10(threshold)
        if level - line <= 15.9:
            if last is None:
                return level
            share = (last[0] - last[1] - 15.9) / ((last[0] - last[1]) - (level - line))
            return last[0] + share * (level - last[0])
        last = (level, line)
    raise AssertionError("no threshold lies within the margin")


def talkspurts(on_s: float, off_s: float, count: int, dbov: float) -> np.ndarray:
    """Noise of a known level, on and off."""
    rng = np.random.default_rng(1)
    burst = rng.standard_normal((count, int(on_s * RATE)))
    burst *= 10 ** (dbov / 20) / np.sqrt(np.mean(burst**2))
    return np.concatenate([np.concatenate([one, np.zeros(int(off_s * RATE))]) for one in burst])


@pytest.mark.parametrize("name", ["flite_slt_1", "flite_rms_3", "flite_awb_1"])
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_speech_level_is_that_of_p56_by_the_sample(recordings, name, gain):
    samples = gain * recordings[name].astype(np.float64)[: 2 * RATE]
    assert active_speech_level(samples, RATE) == pytest.approx(p56_by_the_sample(samples, RATE), abs=1e-6)


@pytest.mark.parametrize("dbov", [-40.0, -26.0, -15.0])
def test_continuous_sound_has_the_level_of_its_power_and_is_always_active(dbov):
    level, activity = speech_activity(talkspurts(20, 0, 1, dbov), RATE)
    assert level == pytest.approx(dbov, abs=0.05)
    assert activity == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("on_s", "off_s"), [(2.0, 2.0), (3.0, 6.0), (1.0, 9.0)])
def test_long_pauses_do_not_count_but_the_hangover_does(on_s, off_s):
    """Each spurt is active for its length, 0.2 s of hangover, and the some 0.1 s in which the envelope rises and falls."""
    samples = talkspurts(on_s, off_s, 4, -26.0)
    level, activity = speech_activity(samples, RATE)
    shortest, longest = on_s + 0.2, on_s + 0.2 + 0.16
    assert -26 + 10 * math.log10(on_s / longest) <= level <= -26 + 10 * math.log10(on_s / shortest)
    assert shortest / (on_s + off_s) <= activity <= longest / (on_s + off_s)


def test_gaps_shorter_than_the_hangover_are_speech():
    samples = talkspurts(0.3, 0.1, 40, -26.0)
    level, activity = speech_activity(samples, RATE)
    assert activity == pytest.approx(1.0, abs=0.02)
    assert level == pytest.approx(-26 + 10 * math.log10(0.3 / 0.4), abs=0.1)


@given(seconds=st.floats(0.0, 20.0), gain_db=st.floats(-25, 12))
@settings(max_examples=25, deadline=None)
def test_silence_around_leaves_the_level_and_a_gain_shifts_it(seconds, gain_db):
    samples = talkspurts(1.0, 0.3, 3, -26.0)
    silence = np.zeros(int(seconds * RATE))
    around = np.concatenate([silence, samples, silence])
    level = active_speech_level(samples, RATE)
    assert active_speech_level(around, RATE) == pytest.approx(level, abs=0.1)
    # interpolation between thresholds an octave apart is exact to some tenths of a dB, for P.56 itself too
    assert active_speech_level(samples * 10 ** (gain_db / 20), RATE) == pytest.approx(level + gain_db, abs=0.3)


def test_level_does_not_depend_on_the_rate(recordings):
    import soxr

    samples = recordings["flite_rms_3"].astype(np.float64)
    faster = soxr.resample(samples, RATE, 48_000, quality="VHQ")
    assert active_speech_level(faster, 48_000) == pytest.approx(active_speech_level(samples, RATE), abs=0.02)


def test_loudness_of_a_full_scale_tone_is_that_of_bs1770():
    """BS.1770-4: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LKFS; EBU Tech 3341 allows a meter 0.1 LU."""
    tone = np.sin(2 * np.pi * 997 * np.arange(48_000 * 3) / 48_000)
    assert level_of(tone, 48_000, "lufs") == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize(("policy", "target"), [("active-speech", -26.0), ("active-speech", -30.0), ("lufs", -23.0)])
def test_levelled_speech_measures_the_target(recordings, policy, target):
    levels = Levels(policy=policy, target=target)
    for samples in recordings.values():
        louder, gain_db, level_db = apply_level(samples, RATE, levels)
        assert level_db == pytest.approx(target)
        assert level_of(louder, RATE, policy) == pytest.approx(target, abs=0.1)
        assert np.allclose(louder, samples * 10 ** (gain_db / 20), atol=1e-12)


def test_no_policy_leaves_every_sample(recordings):
    samples = recordings["flite_slt_1"]
    same, gain_db, level_db = apply_level(samples, RATE, Levels(policy="none"))
    assert np.array_equal(same, samples) and gain_db == 0.0 and level_db is None


def test_clipping_is_refused_and_the_target_named_fits(recordings):
    samples = recordings["flite_slt_1"]
    with pytest.raises(ClippingError, match=r"level\.target = ") as raised:
        apply_level(samples, RATE, Levels(target=-6.0))
    fitting = float(str(raised.value).split("level.target = ")[1].split()[0])
    louder, _, _ = apply_level(samples, RATE, Levels(target=fitting))
    assert 0.9 < np.abs(louder).max() <= 32767 / 32768
    with pytest.raises(ClippingError):
        apply_level(samples, RATE, Levels(target=fitting + 0.2))


@pytest.mark.parametrize("policy", ["active-speech", "lufs"])
@pytest.mark.parametrize("samples", [np.zeros(RATE), np.full(10, np.nan), np.zeros(0)])
def test_what_has_no_level_is_refused(policy, samples):
    with pytest.raises(StudyError):
        apply_level(samples, RATE, Levels(policy=policy))

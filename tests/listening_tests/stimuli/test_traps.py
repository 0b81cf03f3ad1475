"""Traps are as long as the clip they are made of, hold as many beeps as they say, and are the clip elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from listening_tests.errors import StudyError
from listening_tests.stimuli.levels import active_speech_level
from listening_tests.stimuli.traps import load_recordings, most_beeps, with_beeps, with_recording

RATE = 16_000


def clip_of(recordings, name="flite_awb_3", gain=0.3):
    return np.rint(gain * 32767 * recordings[name]).astype(np.int16)


def count_beeps(trap: np.ndarray) -> int:
    """Stretches of 40 ms or more in which nearly all power is at 1 kHz."""
    frames = trap[: len(trap) // 320 * 320].reshape(-1, 320).astype(np.float64) * np.hanning(320)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    pure = (power[:, 18:23].sum(axis=1) > 0.99 * power.sum(axis=1)) & (power.sum(axis=1) > 0)
    edges = np.flatnonzero(np.diff(pure.astype(int), prepend=0, append=0))
    return sum(end - start >= 2 for start, end in zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("beeps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_trap_holds_so_many_beeps_at_its_original_length(recordings, beeps, seed):
    clip = clip_of(recordings)
    assert count_beeps(clip) == 0
    trap = with_beeps(clip, RATE, beeps, np.random.default_rng(seed))
    assert len(trap) == len(clip) and trap.dtype == np.int16 and count_beeps(trap) == beeps
    changed = np.flatnonzero(trap != clip)
    assert 0.1 * len(clip) <= changed[0] and changed[-1] <= 0.9 * len(clip)
    assert len(changed) <= beeps * 0.15 * RATE


def test_beeps_are_as_loud_as_the_speech(recordings):
    clip = clip_of(recordings)
    trap = with_beeps(clip, RATE, 1, np.random.default_rng(0))
    changed = np.flatnonzero(trap != clip)
    steady = trap[changed[0] + 400 : changed[-1] - 400] / 32768
    level = active_speech_level(clip / 32768, RATE)
    assert 10 * np.log10(np.mean(steady**2)) == pytest.approx(level, abs=0.2)


def test_short_clips_take_fewer_beeps_and_no_more(recordings):
    clip = clip_of(recordings)[: int(1.3 * RATE)]
    assert [most_beeps(int(seconds * RATE), RATE) for seconds in (0.1, 0.2, 0.8, 1.3, 9)] == [0, 1, 2, 3, 5]
    assert count_beeps(with_beeps(clip, RATE, 3, np.random.default_rng(0))) == 3
    with pytest.raises(StudyError, match="do not fit"):
        with_beeps(clip, RATE, 4, np.random.default_rng(0))


def test_a_recording_is_spliced_in_at_the_level_of_the_clip(recordings):
    clip, message = clip_of(recordings), 0.02 * recordings["flite_slt_1"][: 2 * RATE].astype(np.float64)
    trap = with_recording(clip, RATE, message, np.random.default_rng(0))
    assert len(trap) == len(clip)
    changed = np.flatnonzero(trap != clip)
    spliced = trap[changed[0] : changed[-1] + 1] / 32768
    assert len(spliced) == pytest.approx(len(message), abs=200)
    assert active_speech_level(spliced, RATE) == pytest.approx(active_speech_level(clip / 32768, RATE), abs=0.3)
    with pytest.raises(StudyError, match="does not fit"):
        with_recording(clip[: 2 * RATE], RATE, message, np.random.default_rng(0))


def test_own_recordings_are_listed_with_their_answers(tmp_path: Path, recordings):
    soundfile.write(tmp_path / "please answer.wav", recordings["flite_slt_1"], RATE)
    (tmp_path / "traps.csv").write_text("file,beeps\nplease answer.wav,4\n")
    (found,) = load_recordings(tmp_path, RATE)
    assert found.beeps == 4 and len(found.samples) == len(recordings["flite_slt_1"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "traps.csv"),
        ("file,answer\na.wav,1\n", "columns file and beeps"),
        ("file,beeps\na.wav,6\n", "must be 1 to 5"),
        ("file,beeps\nnone.wav,2\n", "none.wav"),
    ],
)
def test_a_bad_list_of_recordings_is_refused(tmp_path: Path, content, said):
    if content is not None:
        (tmp_path / "traps.csv").write_text(content)
    with pytest.raises(StudyError, match=said):
        load_recordings(tmp_path, RATE)

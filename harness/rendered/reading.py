"""One policy for every file, the reference included, whatever it was made with.

Read by libsndfile; channels averaged; converted to 16 kHz (soxr, VHQ); the level kept, or brought to one loudness for
all alike; written as 16-bit FLAC. What lies beyond full scale is clipped, and counted.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from streamflow.audio import MAX_S, PEAK, SAMPLE_RATE, UNKNOWN_LENGTH, prepare_audio
from streamflow.errors import AudioError

BLOCK = 1 << 16  # frames held with all their channels at once
BEYOND_FULL_SCALE = 64.0  # a float file that holds integers: no level of speech is 36 dB over full scale


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it goes into a run.

    Attributes:
        samples: float32 ``[n]`` at 16 kHz.
        rate: of the file, Hz.
        channels: of the file.
        kind: container and encoding, such as ``WAV/PCM_24``.
        clipped: samples at 16 kHz beyond full scale, which 16 bits cut off.
    """

    samples: np.ndarray
    rate: int
    channels: int
    kind: str
    clipped: int


@functools.cache
def identity() -> str:
    """All that the samples depend on beside the file and the loudness asked for."""
    import soundfile

    soxr, loudness = (importlib.metadata.version(package) for package in ("soxr", "pyloudnorm"))
    return f"libsndfile-{soundfile.__libsndfile_version__};mean of channels;soxr-{soxr} VHQ;pyloudnorm-{loudness};1"


def policy(loudness: float | None) -> str:
    """The policy in words, for methods and provenance."""
    level = (
        "levels kept" if loudness is None else f"brought to {loudness:g} LUFS (ITU-R BS.1770-4, peak at most {PEAK})"
    )
    return (
        f"Every file, the reference included: channels averaged, converted to {SAMPLE_RATE // 1000} kHz (soxr, VHQ), "
        f"{level}, stored as 16-bit FLAC; delays are estimated and compensated by the metrics."
    )


def read(path: Path, loudness: float | None = None) -> Reading:
    """Read a file by the policy.

    Args:
        path: of the file.
        loudness: LUFS; None keeps the level.

    Raises:
        AudioError: missing, no audio, damaged, cut off, empty, silent, not finite, shorter than 0.1 s, longer than
            300 s, or scaled as integers.
    """
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:  # bytes: a name need not be valid UTF-8
            mono, rate, channels = _mono(path, file), file.samplerate, file.channels
            kind = f"{file.format}/{file.subtype}"
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: {_unreadable(path, error)}; convert it to WAV or FLAC") from None
    if len(mono) and np.isfinite(mono).all() and (peak := float(np.abs(mono).max())) > BEYOND_FULL_SCALE:
        raise AudioError(f"{path}: its peak is {peak:.0f} times full scale; divide the samples, float ends at 1.0")
    samples = prepare_audio(mono, rate, loudness=loudness, name=str(path))
    return Reading(samples, rate, channels, kind, int((np.abs(samples) > 1.0).sum()))


def _mono(path: Path, file: Any) -> np.ndarray:
    """The mean of the channels, float32 ``[n]``, read in blocks: 5 minutes of 8 channels at 192 kHz are 1.8 GB."""
    declared, rate = len(file), file.samplerate
    if rate * MAX_S < declared <= UNKNOWN_LENGTH:
        raise AudioError(f"{path}: {declared / rate:.0f} s is longer than {MAX_S:.0f} s; cut it at pauses first")
    blocks, frames = [], 0
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        blocks.append(block.mean(axis=1))
        frames += len(block)
        if frames > rate * MAX_S:
            raise AudioError(f"{path}: longer than {MAX_S:.0f} s; cut it at pauses first")
    if frames < declared - 1 and declared <= UNKNOWN_LENGTH:  # libsndfile stops at damage without an error
        held, of = frames / rate, declared / rate
        raise AudioError(f"{path}: holds {held:.2f} of {of:.2f} s, cut off; copy or convert it again")
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _unreadable(path: Path, error: Any) -> str:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as reason:
        return f"cannot be opened ({reason.strerror})"
    return "an empty file" if empty else f"not readable as audio ({error.error_string.rstrip('.')})"

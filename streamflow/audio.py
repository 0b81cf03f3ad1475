"""Recordings in and out: any format, any rate, mono 16 kHz, levelled."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
import soxr

from .errors import AudioError

SAMPLE_RATE = 16_000  # Hz
LOUDNESS = -23.0  # LUFS, EBU R 128
PEAK = 0.95  # full scale; a louder peak lowers the gain rather than clip
MIN_S, MAX_S = 0.1, 300.0
SILENCE = 1e-4  # full scale: a recording whose peak is below -80 dBFS holds no speech
UNKNOWN_LENGTH = 2**60  # samples; a FLAC written to a pipe says some 2^63
GATE_S = 0.4  # the BS.1770 gating block; below it loudness is not defined


def load_audio(path: str | Path, *, loudness: float | None = LOUDNESS) -> np.ndarray:
    """Read a recording as mono 16 kHz at one loudness.

    Channels are averaged, the rate is converted with soxr (VHQ), the gain brings the recording to ``loudness`` LUFS
    (ITU-R BS.1770-4) unless its peak would pass 0.95, or is left alone for ``None``.

    Args:
        path: any file that libsndfile reads.
        loudness: target in LUFS.

    Returns:
        float32 ``[n]``.

    Raises:
        AudioError: missing, unreadable, empty, not finite, silent, shorter than 0.1 s or longer than 300 s.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"{path}: no such file; check the manifest's path column")
    try:
        with soundfile.SoundFile(path) as file:
            if len(file) > UNKNOWN_LENGTH:
                raise AudioError(f"{path}: does not say how long it is (written to a pipe?); convert it again")
            seconds = len(file) / file.samplerate
            if seconds > MAX_S:
                raise AudioError(f"{path}: {seconds:.0f} s is longer than {MAX_S:.0f} s; cut it at pauses first")
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{path}: not readable as audio ({error.error_string.rstrip('.')}); convert it again"
        ) from None
    if len(samples) < seconds * rate - 1:  # libsndfile stops at damage without an error
        raise AudioError(
            f"{path}: holds {len(samples) / rate:.2f} of {seconds:.2f} s, cut off; copy or convert it again"
        )
    return prepare_audio(samples, rate, loudness=loudness, name=str(path))


def prepare_audio(
    samples: np.ndarray, rate: int, *, loudness: float | None = LOUDNESS, name: str = "audio"
) -> np.ndarray:
    """The same for samples in memory: float ``[n]`` or ``[n, channels]`` at ``rate`` Hz to float32 ``[m]`` at 16 kHz."""
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: holds NaN or infinite samples; render it again")
    if len(samples) < MIN_S * rate:
        raise AudioError(
            f"{name}: {1000 * len(samples) / rate:.0f} ms is shorter than {1000 * MIN_S:.0f} ms; leave it out"
        )
    if np.abs(samples).max() < SILENCE:
        raise AudioError(f"{name}: silent (peak below -80 dBFS); leave it out or record it again")
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ").astype(np.float32)
    return samples if loudness is None else set_loudness(samples, loudness)


def set_loudness(samples: np.ndarray, loudness: float) -> np.ndarray:
    """Bring float32 ``[n]`` at 16 kHz to ``loudness`` LUFS, or to as much as its peak allows."""
    padded = np.pad(samples, (0, max(0, int(GATE_S * SAMPLE_RATE) + 1 - len(samples))), mode="wrap")
    import pyloudnorm  # with scipy.signal and more: 0.7 s that a command which reads nothing should not take

    measured = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(padded.astype(np.float64))
    if not np.isfinite(measured):  # everything below the absolute gate of -70 LUFS
        measured = -70.0
    gain = min(10 ** ((loudness - measured) / 20), PEAK / float(np.abs(samples).max()))
    return (samples * gain).astype(np.float32)


def write_audio(path: str | Path, samples: np.ndarray) -> None:
    """Write float32 ``[n]`` at 16 kHz as 16-bit FLAC, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        soundfile.write(partial, np.clip(samples, -1.0, 1.0), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)

"""A recording that somebody uploads, decoded where it can do no harm: ``python -m harness.live.upload LIMITS``.

libsndfile and what it is built on read what anybody may have made. So the bytes go to a process of their own with a bound
on memory, processor time, open files and wall time, that cannot write a file; only samples come back. Headers are not
believed: what is read is counted.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from ..priority import step_back
from .errors import UploadError
from .limits import Limits

FORMATS = ("WAV", "FLAC", "OGG", "MP3")  # as libsndfile names them; Opus comes in OGG
FORMATS_TEXT = "WAV, FLAC, Ogg (Vorbis or Opus) or MP3"
LOWEST_RATE, HIGHEST_RATE, MOST_CHANNELS = 8_000, 192_000, 8
MEMORY_MB, PROCESSOR_S = 1500, 20
ROOT = Path(__file__).resolve().parents[2]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limits_text(limits: Limits) -> str:
    """What may be uploaded, in a sentence for the page."""
    return (
        f"{FORMATS_TEXT}, {limits.min_seconds:g} to {limits.max_seconds:g} seconds of speech, "
        f"at most {limits.upload_bytes // 1_000_000} MB. It is mixed to mono at 16 kHz, kept in memory for at most "
        f"{limits.kept_s / 60:g} minutes, and never written to disk."
    )


def decode_upload(content: bytes, limits: Limits) -> np.ndarray:
    """Decode an upload in a process of its own.

    Args:
        content: the file, as it came.
        limits: of size, length and time.

    Returns:
        float32 ``[n]`` at 16 kHz, at -23 LUFS as a corpus is loaded.

    Raises:
        UploadError: not audio of a format that is read, too long, too short, silent, damaged, or too costly to decode.
    """
    if not content:
        raise UploadError("the upload is empty; choose a recording")
    if len(content) > limits.upload_bytes:
        raise UploadError(f"the upload is larger than {limits.upload_bytes // 1_000_000} MB; cut or compress it")
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    bounds = {"min": limits.min_seconds, "max": limits.max_seconds, "niceness": limits.niceness}
    command = [sys.executable, "-m", "harness.live.upload", json.dumps(bounds)]
    try:
        done = subprocess.run(
            command,
            input=content,
            capture_output=True,
            timeout=limits.upload_s,
            env=environment,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise UploadError(f"the upload took longer than {limits.upload_s:g} s to decode; convert it to WAV") from None
    if done.returncode == 1 and done.stdout.startswith(b"{"):
        raise UploadError(json.loads(done.stdout)["error"])
    if done.returncode != 0:
        raise UploadError("the upload could not be decoded within its limits; convert it to a plain 16-bit WAV")
    samples = np.frombuffer(done.stdout, "<f4").astype(np.float32)
    if (
        not limits.min_seconds <= (len(samples) + 1) / 16_000 <= limits.max_seconds + 1
        or not np.isfinite(samples).all()
    ):
        raise UploadError("the upload could not be decoded; convert it to a plain 16-bit WAV")
    return samples


def read_bounded(content: bytes, least_s: float, most_s: float) -> np.ndarray:
    """What the process does: bytes to float32 ``[n]`` at 16 kHz, whatever the file says of itself.

    Raises:
        UploadError, AudioError: it is refused.
    """
    import soundfile

    from streamflow.audio import prepare_audio

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            _check_head(file.format, file.samplerate, file.channels)
            rate, most = file.samplerate, int(most_s * file.samplerate)
            samples = file.read(frames=most + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, ValueError, TypeError, OverflowError):
        raise UploadError(f"the upload is not readable as audio; give {FORMATS_TEXT}") from None
    if len(samples) > most:
        raise UploadError(f"the upload is longer than {most_s:g} s; cut it first")
    if len(samples) < least_s * rate:
        raise UploadError(f"the upload holds {len(samples) / rate:.2f} s; give at least {least_s:g} s")
    return prepare_audio(samples, rate, name="the upload")


def _check_head(kind: str, rate: int, channels: int) -> None:
    if kind not in FORMATS:
        raise UploadError(f"the upload is {kind}; give {FORMATS_TEXT}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UploadError(f"the upload is at {rate} Hz; give {LOWEST_RATE} to {HIGHEST_RATE} Hz")
    if channels > MOST_CHANNELS:
        raise UploadError(f"the upload has {channels} channels; give at most {MOST_CHANNELS}")


def confine(niceness: int) -> None:
    """Bound this process; what a file makes a decoder do then ends here."""
    import resource

    step_back(niceness)
    bounds = {
        "RLIMIT_AS": MEMORY_MB * 1_000_000,
        "RLIMIT_CPU": PROCESSOR_S,
        "RLIMIT_FSIZE": 0,  # nothing can be written to a file; pipes are none
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": 0,
        "RLIMIT_NOFILE": 32,
    }
    for name, value in bounds.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def main(bounds: dict[str, float]) -> int:
    """Bytes on standard input, samples or one line of JSON on standard output."""
    import pyloudnorm  # noqa: F401  loaded before no more files may be opened or threads begun
    import soundfile  # noqa: F401

    from streamflow.errors import StreamflowError

    confine(int(bounds["niceness"]))
    try:
        samples = read_bounded(sys.stdin.buffer.read(), bounds["min"], bounds["max"])
    except StreamflowError as error:
        sys.stdout.write(json.dumps({"error": str(error)}))
        return 1
    sys.stdout.buffer.write(samples.astype("<f4").tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))

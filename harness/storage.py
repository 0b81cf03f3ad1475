"""Files that are whole or absent: what every part of a run is written with."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from streamflow.audio import SAMPLE_RATE
from streamflow.errors import StreamflowError

PARTIAL = ".partial"  # suffix of a file being written; never read, removed by the next start


class RunLockedError(StreamflowError):
    """Another process is writing the run."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a kill at any moment leaves the old one, the new one or none, never a part.

    Raises:
        OSError: with ``filename`` set, also where the system call does not know it (``write`` on a full disk).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; floats keep every digit."""
    write_bytes(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def read_json(path: Path) -> Any | None:
    """Read JSON, or None where the file is missing or unreadable: it is then made again."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def encode_flac(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> bytes:
    """Encode float ``[n]`` as 16-bit FLAC of its own rate, in memory: libsndfile hides the reason of a failed write."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1.0, 1.0), sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def read_flac(path: Path) -> np.ndarray:
    """Read a rendering back: float32 ``[n]`` at 16 kHz, converted (soxr, VHQ) where it was written at another rate."""
    samples, rate = soundfile.read(path, dtype="float32")
    return at_16_khz(samples, rate)


def at_16_khz(samples: np.ndarray, rate: int) -> np.ndarray:
    """float32 ``[n]`` at ``rate`` Hz as float32 ``[m]`` at 16 kHz, at which everything is scored."""
    if rate == SAMPLE_RATE:
        return samples
    return soxr.resample(samples, rate, SAMPLE_RATE, quality="VHQ").astype(np.float32)


def sha256_of(content: bytes | np.ndarray) -> str:
    """Hex digest of bytes, or of an array with its type and shape."""
    digest = hashlib.sha256()
    if isinstance(content, np.ndarray):
        digest.update(f"{content.dtype.str}{content.shape}".encode())
        content = np.ascontiguousarray(content).tobytes()
    digest.update(content)
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str | None:
    """Hex digest of a file's bytes, None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def stamp(path: Path) -> list[int] | None:
    """Size and time of the last change (ns) of a file; None where there is none. JSON-able."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def key_of(content: Any) -> str:
    """Hex digest of anything JSON can hold, the same whatever the order of keys."""
    return sha256_of(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str).encode())


def remove_partials(folder: Path) -> None:
    """Clear what a killed writer left."""
    for partial in folder.rglob(f".*{PARTIAL}"):
        partial.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run for one writing process; the kernel lets go of it however the process ends.

    Raises:
        RunLockedError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunLockedError(
                f"{folder}: another process is writing this run; wait for it or give another --out"
            ) from None
        yield

"""Uploads of visitors: decoded samples in memory, each for its visitor alone and for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from streamflow.audio import SAMPLE_RATE

from .errors import UnknownJobError
from .limits import Limits
from .upload import decode_upload


@dataclass(frozen=True, slots=True)
class Upload:
    """One decoded recording: its id, float32 ``[n]`` at 16 kHz, and whose it is."""

    id: str
    visitor: str
    samples: np.ndarray

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.samples) / SAMPLE_RATE


class Uploads:
    """The uploads of one server. Thread-safe; files are decoded one at a time.

    Args:
        limits: of number, size and lifetime.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: OrderedDict[str, tuple[Upload, float]] = OrderedDict()  # by id; with when they were last used
        self._lock, self._decoding = threading.Lock(), threading.Lock()

    def add(self, visitor: str, content: bytes) -> Upload:
        """Decode a file and keep its samples; the file itself is kept nowhere.

        Raises:
            UploadError: it is refused.
        """
        with self._decoding:
            samples = decode_upload(content, self._limits)
        upload = Upload(secrets.token_urlsafe(12).replace("-", "x").replace("_", "y"), visitor, samples)
        with self._lock:
            self._sweep()
            self._kept[upload.id] = (upload, time.monotonic())
            own = [name for name, (kept, _) in self._kept.items() if kept.visitor == visitor]
            for name in own[: -self._limits.uploads_per_visitor]:
                del self._kept[name]
            while self._megabytes() > self._limits.kept_mb and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return upload

    def get(self, name: str, visitor: str) -> Upload:
        """An upload of this visitor, kept for longer now that it was used.

        Raises:
            UnknownJobError: none of this id is the visitor's, or not any more.
        """
        with self._lock:
            self._sweep()
            upload, _ = self._kept.get(name, (None, 0.0))
            if upload is None or upload.visitor != visitor:
                minutes = self._limits.kept_s / 60
                raise UnknownJobError(
                    f"upload={name}: not there; uploads are one browser's own and kept for {minutes:g} minutes: "
                    "upload the recording again"
                )
            self._kept[name] = (upload, time.monotonic())
            self._kept.move_to_end(name)
            return upload

    def drop(self, name: str, visitor: str) -> None:
        """Forget an upload of this visitor.

        Raises:
            UnknownJobError: none of this id is the visitor's.
        """
        self.get(name, visitor)
        with self._lock:
            self._kept.pop(name, None)

    def sweep(self) -> None:
        """Forget what has not been used for long."""
        with self._lock:
            self._sweep()

    @property
    def megabytes(self) -> float:
        """What the samples hold in memory, 10^6 bytes."""
        with self._lock:
            return self._megabytes()

    def _megabytes(self) -> float:
        return sum(upload.samples.nbytes for upload, _ in self._kept.values()) / 1e6

    def _sweep(self) -> None:
        oldest = time.monotonic() - self._limits.kept_s
        for name in [name for name, (_, used) in self._kept.items() if used < oldest]:
            del self._kept[name]

"""Opaque names for sounds, and the two steps' worth of them that a listener may fetch at any time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass

from ..model import Step
from ..opening import OpenStudy
from ..stimuli.sources import render_source
from ..store import StepRow
from .wav import encode_wav

JUNK = 2048  # words at most, so 4 kB
WINDOWS = 10_000  # sessions remembered


@dataclass(frozen=True, slots=True)
class Sound:
    """One stimulus of one step of one session, as it goes out."""

    token: str
    etag: str
    source: str
    junk: bytes


def sounds_of(secret: bytes, session_id: str, row: StepRow) -> dict[str, Sound]:
    """Label -> sound. The same clip has another name, ETag and size in every step, session and place.

    All of it is a keyed hash, so that it survives a restart and nothing has to be kept. Within a step no two sounds have
    the same size of junk: a reference and its hidden copy differ in size for certain.
    """
    found: dict[str, Sound] = {}
    taken: set[int] = set()
    for label, source in row.step.sources.items():
        key = _keyed(secret, "sound", session_id, row.step_id, label)
        words, attempt = int.from_bytes(key[:2], "big") % JUNK, 0
        while words in taken:
            attempt += 1
            words = int.from_bytes(_keyed(key, "junk", str(attempt))[:2], "big") % JUNK
        taken.add(words)
        junk = hashlib.shake_128(_keyed(key, "filling")).digest(2 * words)
        found[label] = Sound(_name(_keyed(key, "token")), _name(_keyed(key, "etag")), source, junk)
    return found


def render_sound(opened: OpenStudy, sound: Sound) -> bytes:
    """The file."""
    samples, rate = render_source(sound.source, opened.stimuli)
    return encode_wav(samples, rate, sound.junk)


class Windows:
    """Which sounds a session may fetch now: those of its present step and of the next. Safe between threads."""

    def __init__(self) -> None:
        self._sounds: OrderedDict[str, dict[str, Sound]] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, session_id: str, sounds: list[Sound]) -> None:
        """From now on these and no others."""
        with self._lock:
            self._sounds[session_id] = {sound.token: sound for sound in sounds}
            self._sounds.move_to_end(session_id)
            while len(self._sounds) > WINDOWS:
                self._sounds.popitem(last=False)

    def find(self, session_id: str, token: str) -> Sound | None:
        """The sound of that name, if it is one of them."""
        with self._lock:
            return self._sounds.get(session_id, {}).get(token)

    def close(self, session_id: str) -> None:
        """No sounds any more."""
        with self._lock:
            self._sounds.pop(session_id, None)


class Lengths:
    """Seconds of sources, worked out once each."""

    def __init__(self, kept: int = 20_000) -> None:
        self._seconds: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._kept = kept
        self._lock = threading.Lock()

    def of(self, opened: OpenStudy, step: Step) -> dict[str, float]:
        """Label -> seconds."""
        return {label: self._of(opened, source) for label, source in step.sources.items()}

    def _of(self, opened: OpenStudy, source: str) -> float:
        kind, _, stimulus_id = source.partition(":")
        if kind == "clip":
            stimulus = opened.stimuli.stimuli[stimulus_id]
            return stimulus.samples / stimulus.rate
        key = (opened.study_id, source)
        with self._lock:
            if key in self._seconds:
                return self._seconds[key]
        samples, rate = render_source(source, opened.stimuli)
        with self._lock:
            self._seconds[key] = len(samples) / rate
            while len(self._seconds) > self._kept:
                self._seconds.popitem(last=False)
        return len(samples) / rate


def _keyed(secret: bytes, *parts: str) -> bytes:
    return hmac.new(secret, "|".join(parts).encode(), hashlib.sha256).digest()


def _name(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:24]).decode()

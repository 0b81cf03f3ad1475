"""One job as the server keeps it: its events for those who follow, its sounds for those who listen."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import events
from .errors import LiveError
from .result import LiveRendering, LiveResult
from .tasks import Task
from .view import View
from .wire import unpacked

REFERENCE = "reference"  # its name where sounds are asked for


@dataclass
class Kept:
    """Exact samples float32 ``[n]`` and F0 float64 ``[f]`` of one system or, without a name, of the reference."""

    samples: np.ndarray
    f0_hz: np.ndarray


@dataclass
class Job:
    """A view on its way. Thread-safe: one thread tells, many follow.

    Attributes:
        view, visitor, task: as submitted.
        id: unguessable.
        told: events so far.
        ended_at: monotonic time, or None.
        used_at: when somebody last asked for it.
        cancelled: its visitor does not want it any more.
    """

    view: View
    visitor: str
    task: Task
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    told: list[dict[str, Any]] = field(default_factory=list)
    ended_at: float | None = None
    used_at: float = field(default_factory=time.monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _kept: dict[str, Kept] = field(default_factory=dict)
    _bytes: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def megabytes(self) -> float:
        """What it holds in memory, 10^6 bytes, roughly."""
        return self._bytes / 1e6

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event; after the end nothing is added."""
        with self._changed:
            if self.ended:
                return
            self.told.append({**event, "number": len(self.told)})
            self._bytes += len(event.get("pcm", "")) + len(event.get("reference", "")) + 500
            if event["kind"] in events.ENDS:
                self.ended_at = time.monotonic()
            self._changed.notify_all()

    def keep(self, message: dict[str, Any]) -> None:
        """Take exact samples."""
        f0_hz = unpacked(message["f0_hz"])
        kept = Kept(unpacked(message["samples"]), np.where(f0_hz > 0, f0_hz, np.nan))
        with self._changed:
            self._kept[message["system"]] = kept
            self._bytes += kept.samples.nbytes + kept.f0_hz.nbytes

    def follow(self, start: int, patience_s: float) -> Iterator[dict[str, Any]]:
        """Events from number ``start`` on, those to come included, until the end; ``alive`` where long nothing comes."""
        number = max(0, start)
        while True:
            with self._changed:
                if len(self.told) <= number and not self.ended:
                    self._changed.wait(patience_s)
                fresh, ended = self.told[number:], self.ended
                self.used_at = time.monotonic()
            if not fresh and not ended:
                yield events.event(events.ALIVE)
            number += len(fresh)
            yield from fresh
            if ended and len(self.told) <= number:
                return

    def samples(self, system: str) -> np.ndarray:
        """float32 ``[n]`` of a system, or of ``reference``.

        Raises:
            LiveError: not rendered (yet).
        """
        with self._changed:
            kept = self._kept.get("" if system == REFERENCE else system)
        if kept is None:
            raise LiveError(f"{system}: not rendered in this decode; wait for it, or decode again")
        return kept.samples

    def result(self) -> LiveResult:
        """All that there is so far.

        Raises:
            LiveError: not even the recording is there.
        """
        with self._changed:
            told, kept = list(self.told), dict(self._kept)
        if "" not in kept:
            raise LiveError("nothing was decoded; decode again")
        rows = {name: _rendering(name, told, kept[name]) for name in kept if name and _has(events.RENDERED, name, told)}
        order = [system["name"] for system in self.task.systems if system["name"] in rows]
        return LiveResult(
            view=self.view,
            reference=kept[""].samples,
            reference_f0_hz=kept[""].f0_hz,
            renderings={name: rows[name] for name in order},
            failed={event["system"]: event["error"] for event in told if event["kind"] == events.FAILED},
            text=self.task.text,
        )


def _has(kind: str, system: str, told: list[dict[str, Any]]) -> bool:
    return any(event["kind"] == kind and event["system"] == system for event in told)


def _rendering(name: str, told: list[dict[str, Any]], kept: Kept) -> LiveRendering:
    """Put one system's events together."""
    own = [event for event in told if event.get("system") == name]
    head = next(event for event in own if event["kind"] == events.SYSTEM)
    rendered = next(event for event in own if event["kind"] == events.RENDERED)
    chunks = [event for event in own if event["kind"] == events.CHUNK]
    trace = [{key: value for key, value in chunk.items() if key not in ("kind", "number", "pcm")} for chunk in chunks]
    others = ("kind", "number", "system", "gain_db", "gain_capped", "pcm")
    latency = {key: value for key, value in rendered.items() if key not in others}
    scored = [row for event in told if event["kind"] == events.SCORES for row in event["rows"]]
    return LiveRendering(
        samples=kept.samples,
        trace=trace,
        seams=tuple(sorted({row["seam_sample"] for row in trace} - {0})),
        scores=[row for row in scored if row["system"] == name],
        description=head["description"],
        control=head["control"],
        f0_hz=kept.f0_hz,
        latency=latency,
        gain_db=rendered["gain_db"],
    )

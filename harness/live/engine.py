"""Live decodes of one server: jobs of visitors through a fair queue into decoding processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from streamflow.checkpoints import Bundle
from streamflow.errors import StreamflowError

from ..corpus import Corpus
from ..failures import one_line
from ..inputs import rate_of
from ..manifest_tokens import check_columns, needed
from . import events
from .carrying import carry
from .errors import BusyError, LiveError, UnknownJobError
from .job import Job
from .limits import Limits
from .process import DecodingProcess, ProcessOverError
from .queue import FairQueue
from .result import LiveResult
from .tasks import Task, bundle_folder, bundle_names, check_weights, other_recording, systems_of, utterance_of
from .uploads import Upload, Uploads
from .view import View
from .wire import packed

ALIVE_S = 10.0
IDLE_S = 600.0  # an unused process then gives its memory back
SWEEP_S = 5.0
START, IDLE = "start", "idle"  # what a slot may be told in place of a job


class LiveEngine:
    """Decodes views, each visitor's own, in processes beside the server. Thread-safe.

    Args:
        corpus: whose utterances may be decoded.
        checkpoints: folder with a folder a checkpoint, beside the shipped ones.
        limits: of everything.
        metrics: names; none for the standard ones.
        background: how many jobs run in the background of this machine now; who follows a decode is told.
    """

    def __init__(
        self,
        corpus: Corpus,
        checkpoints: str | Path = "checkpoints",
        limits: Limits | None = None,
        metrics: tuple[str, ...] = (),
        background: Callable[[], int] = lambda: 0,
    ) -> None:
        self.corpus, self.checkpoints, self.limits = corpus, Path(checkpoints), limits or Limits()
        self.metrics, self.background = metrics, background
        self.uploads = Uploads(self.limits)
        self._jobs: dict[str, Job] = {}
        self._queue: FairQueue[Job] = FairQueue()
        self._running: dict[str, DecodingProcess | None] = {}
        self._changed = threading.Condition()
        self._wanted = False  # a process before the first job
        self._closed = False
        self._slots = [
            threading.Thread(target=self._serve, name=f"live-{number}", daemon=True)
            for number in range(self.limits.running)
        ]
        for slot in self._slots:
            slot.start()

    # what pages ask for

    def prepare(self) -> None:
        """Start a decoding process already: somebody looks at the page and will ask soon."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def checkpoint_names(self) -> list[str]:
        """The checkpoints that a view may name."""
        return bundle_names(self.checkpoints)

    def describe(self, strategy: str, parameters: dict[str, Any], checkpoint: str = "small") -> dict[str, Any]:
        """:func:`harness.live.describe.describe_system` with a checkpoint of this server.

        Raises:
            StreamflowError: they do not exist or do not go together.
        """
        from .describe import describe_system

        return describe_system(strategy, parameters, bundle_folder(checkpoint, self.checkpoints))

    def add_upload(self, visitor: str, content: bytes) -> Upload:
        """Decode and keep a recording; blocks for a second or so.

        Raises:
            UploadError: it is refused.
        """
        return self.uploads.add(visitor, content)

    def drop_upload(self, name: str, visitor: str) -> None:
        """Forget an upload.

        Raises:
            UnknownJobError: the visitor has none of this id.
        """
        self.uploads.drop(name, visitor)

    def submit(self, view: View, visitor: str, upload: np.ndarray | None = None) -> str:
        """Queue a view.

        Args:
            view: what to decode.
            visitor: whose it is.
            upload: float32 ``[n]`` at 16 kHz in place of the upload that the view names.

        Returns:
            The job's id, which no one can guess.

        Raises:
            LiveError: the view cannot be decoded here.
            BusyError: the visitor has too many waiting.
            UnknownJobError: the upload is not there.
        """
        job = Job(view, visitor, self._task(view, visitor, upload))
        with self._changed:
            if self._closed:
                raise LiveError("the server is closing; try again when it is back")
            self._sweep()
            pending = sum(other.visitor == visitor and not other.ended for other in self._jobs.values())
            if pending >= self.limits.queued_per_visitor:
                raise BusyError(f"{pending} decodes are waiting or running already; cancel one or wait for it")
            self._jobs[job.id] = job
            self._queue.put(visitor, job)
            self._tell_places()
            self._changed.notify_all()
        return job.id

    def events(self, name: str, visitor: str, start: int = 0, patience_s: float = ALIVE_S) -> Iterator[dict[str, Any]]:
        """Follow a job: its events from number ``start`` on until the end; blocks while there is nothing new.

        Any number of followers may follow one job, each from where it likes.

        Raises:
            UnknownJobError: the visitor has no such job; at the call, not at the first event.
        """
        return self._job(name, visitor).follow(start, patience_s)

    def cancel(self, name: str, visitor: str) -> None:
        """End a job, within a second; one that has ended stays as it is.

        Raises:
            UnknownJobError: the visitor has no such job.
        """
        job = self._job(name, visitor)
        job.cancelled.set()
        with self._changed:
            if self._queue.remove(job):
                job.tell(events.event(events.CANCELLED))
                self._tell_places()
            process = self._running.get(job.id)
        if process is not None:
            process.cancel(job.id)

    def audio(self, name: str, visitor: str, system: str) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz of a system, or of ``reference``.

        Raises:
            UnknownJobError: the visitor has no such job.
            LiveError: not rendered (yet).
        """
        return self._job(name, visitor).samples(system)

    def result(self, name: str, visitor: str) -> LiveResult:
        """All that there is of a job so far.

        Raises:
            UnknownJobError: the visitor has no such job.
            LiveError: nothing is there.
        """
        return self._job(name, visitor).result()

    def close(self) -> None:
        """End everything; followers see their jobs end."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.cancelled.set()
            while (job := self._queue.take()) is not None:
                job.tell(events.event(events.CANCELLED))
            for name, process in self._running.items():
                if process is not None:
                    process.cancel(name)
            self._changed.notify_all()
        for slot in self._slots:
            slot.join()

    # within

    def _job(self, name: str, visitor: str) -> Job:
        with self._changed:
            job = self._jobs.get(name)
            if job is None or job.visitor != visitor:
                raise UnknownJobError(f"decode {name[:40]}: not there; decodes are one browser's own: decode again")
            job.used_at = time.monotonic()
            return job

    def _task(self, view: View, visitor: str, upload: np.ndarray | None) -> Task:
        """Everything that decoding needs."""
        bundle = bundle_folder(view.checkpoint, self.checkpoints)
        front_end = Bundle(bundle)
        needs = needed(front_end)
        systems = systems_of(view, self.limits, controls="tokens" not in needs)
        check_weights(bundle, systems)
        common = {
            "bundle": str(bundle),
            "systems": systems,
            "seed": view.seed,
            "rate": rate_of(front_end) if view.tokens_per_second is None else view.tokens_per_second,
            "metrics": list(self.metrics),
        }
        if view.upload is not None and needs:
            raise LiveError(
                f"checkpoint={view.checkpoint}: takes {' and '.join(needs)} from the manifest, which an upload has not; "
                "choose an utterance or another checkpoint"
            )
        if view.upload is not None:
            samples = upload if upload is not None else self.uploads.get(view.upload, visitor).samples
            return Task(name="upload", samples=packed(samples), **common)
        utterance = utterance_of(self.corpus, str(view.utterance), self.limits)
        check_columns(replace(self.corpus, utterances=[utterance]), front_end)
        other = other_recording(self.corpus, utterance)
        return Task(
            name=utterance.utterance_id,
            recording=str(utterance.path),
            tokens=str(utterance.tokens_path or "") if "tokens" in needs else "",
            voice=utterance.voice if "voice" in needs else "",
            prompt=str(utterance.prompt_path or ""),
            other=str(other or ""),
            text=utterance.text,
            **common,
        )

    def _tell_places(self) -> None:
        """Tell everyone whose place in the queue has changed."""
        for place, job in enumerate(self._queue):
            last = next((event for event in reversed(job.told) if event["kind"] == events.QUEUED), None)
            if last is None or last["place"] != place:
                job.tell(events.event(events.QUEUED, place=place))

    def _sweep(self) -> None:
        """Forget finished jobs: those that nobody has asked for in long, one visitor's many, and the oldest of too much."""
        ended = sorted((job for job in self._jobs.values() if job.ended), key=lambda job: job.used_at)
        oldest, limits = time.monotonic() - self.limits.kept_s, self.limits
        for job in ended:
            own = sum(other.ended and other.visitor == job.visitor for other in self._jobs.values())
            total = self.uploads.megabytes + sum(other.megabytes for other in self._jobs.values() if other.ended)
            if job.used_at < oldest or own > limits.kept_per_visitor or total > limits.kept_mb:
                del self._jobs[job.id]
        self.uploads.sweep()

    def _serve(self) -> None:
        """One slot: a process, and one job after the other."""
        process: DecodingProcess | None = None
        while (job := self._next(process)) is not None:
            if job == IDLE and process is not None:
                process.close()
                process = None
                continue
            try:
                if process is None or not process.alive:
                    process = DecodingProcess(self.limits)
                if isinstance(job, Job):
                    self._carry_out(job, process)
            except Exception as error:
                if process is not None:
                    process.close()
                process = None
                if isinstance(job, Job):
                    self._end(job, error)
        if process is not None:
            process.close()

    def _next(self, process: DecodingProcess | None) -> Job | str | None:
        """The next job, or what the process shall do: start, or end for want of work; None when the engine closes."""
        with self._changed:
            while not self._closed:
                self._sweep()
                if (job := self._queue.take()) is not None:
                    self._running[job.id] = None
                    self._tell_places()
                    return job
                if self._wanted and process is None:
                    self._wanted = False
                    return START
                if process is not None and time.monotonic() - process.used_at > IDLE_S:
                    return IDLE
                self._changed.wait(SWEEP_S)
        return None

    def _end(self, job: Job, error: Exception) -> None:
        """Tell how a job ended that its process did not end itself."""
        with self._changed:
            self._running.pop(job.id, None)
        if job.cancelled.is_set():
            job.tell(events.event(events.CANCELLED))
        why = f"the decoding process ended ({error})" if isinstance(error, ProcessOverError) else one_line(error)
        job.tell(events.event(events.BROKEN, error=f"{why}; decode again"))

    def _carry_out(self, job: Job, process: DecodingProcess) -> None:
        """Carry one job through a process.

        Raises:
            ProcessOverError: the process has ended, or has to be.
        """
        with self._changed:
            self._running[job.id] = process
        job.tell(events.event(events.STARTED, systems=[system["name"] for system in job.task.systems]))
        carry(job, process, self.limits, self._beside)
        with self._changed:
            self._running.pop(job.id, None)

    def _beside(self) -> tuple[int, int]:
        """Jobs in the background, and live decodes beside the one that asks."""
        with self._changed:
            decodes = len(self._running) - 1
        try:
            return self.background(), decodes
        except (StreamflowError, OSError):  # a note on the page; no decode ends for it
            return 0, decodes

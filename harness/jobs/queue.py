"""The jobs of one folder: started, listed, cancelled; as many at once as the folder allows, the others in line."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.storage import write_json

from .job import ID, QUEUED, RUNNING, Job, JobError, JobFolder, tail
from .process import identity, send
from .supervise import PROJECT

VERBS = ("compare", "sweep", "score", "report", "latency", "gate", "baseline", "study", "train")
LOG_BYTES = 200_000
_supervisors: list[subprocess.Popen[bytes]] = []  # that this process started; they outlive it


class Jobs:
    """The jobs of a folder.

    Nothing of them is in this object: several servers may use one folder, and a job's end starts the next one even where
    no server is left.
    """

    def __init__(self, folder: str | Path, *, running: int = 1, grace_s: float = 10.0, kept: int = 100) -> None:
        """See what is there, and go on with what waits.

        Args:
            folder: made when the first job is.
            running: jobs at once; more than one spoils the latencies that they measure.
            grace_s: seconds that a cancelled job has to end by itself.
            kept: jobs that are remembered; of those that are over the oldest go first.
        """
        self.folder = Path(folder)
        self.running, self.grace_s, self.kept = running, grace_s, kept
        if self.folder.is_dir():
            self.advance()

    def start(
        self,
        argv: Sequence[str],
        title: str,
        *,
        good: Sequence[int] = (0,),
        facts: Mapping[str, Any] | None = None,
    ) -> str:
        """Start a verb of the command line, or put it in line; returns the job's id.

        Args:
            argv: as after ``streamflow``, such as ``["latency", "runs/first"]``; relative to this process's folder.
            title: for people.
            good: exit codes that mean that it did what it was asked; a gate's verdicts are some.
            facts: kept with the job, JSON-able.

        Raises:
            JobError: not a verb, or the disk does not take it.
        """
        if not argv or argv[0] not in VERBS:
            raise JobError(
                f"{' '.join(argv[:1]) or 'nothing'}: not a verb that runs as a job; there are {', '.join(VERBS)}"
            )
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        order = {
            "title": title,
            "argv": [str(part) for part in argv],
            "facts": dict(facts or {}),
            "good": list(good),
            "made": time.time(),
            "cwd": os.getcwd(),
            "running": self.running,
            "grace_s": self.grace_s,
        }
        try:
            write_json(JobFolder(self.folder / name).order, order)
        except OSError as error:
            raise JobError(f"{error.filename}: {error.strerror}; make room, or let the folder be written to") from None
        self._forget_old()
        self.advance()
        return name

    def get(self, job: str) -> Job:
        """A job as it is now.

        Raises:
            JobError: there is none of that id.
        """
        return self._folder(job).read()

    def list(self) -> list[Job]:
        """All jobs, the latest first."""
        self.advance()
        found = []
        for folder in self._folders():
            with contextlib.suppress(JobError):  # forgotten since
                found.append(folder.read())
        return found[::-1]

    def active(self) -> list[Job]:
        """Those that run, then those in line in their order."""
        going = [job for job in self.list()[::-1] if not job.is_over]
        return sorted(going, key=lambda job: job.state != RUNNING)

    def log(self, job: str, most: int = LOG_BYTES) -> str:
        """The end of what a job said, as plain text.

        Raises:
            JobError: there is none of that id.
        """
        return tail(self._folder(job).log, most)

    def cancel(self, job: str) -> None:
        """Stop a job: as Ctrl-C would, after ``grace_s`` by force. Nothing where it is over already.

        Raises:
            JobError: there is none of that id.
        """
        folder = self._folder(job)
        with self._locked():
            state = folder.state()
            if state in (QUEUED, RUNNING):
                write_json(folder.cancelled, {"at": time.time()})
            if state == QUEUED:
                folder.end_with(None, time.time())
        if state == RUNNING:
            self._stop(folder)

    def _stop(self, folder: JobFolder) -> None:
        for supervisor in folder.supervisors():
            send(supervisor, signal.SIGTERM)
        if (verb := folder.verb_process()) and not folder.supervisors():  # nobody is left to be patient
            send(verb, signal.SIGKILL, group=True)

    def wait(self, job: str, timeout_s: float = 600.0) -> Job:
        """Wait until a job is over.

        Raises:
            JobError: there is none of that id.
            TimeoutError: it is not over yet.
        """
        end = time.monotonic() + timeout_s
        while not (found := self.get(job)).is_over:
            if time.monotonic() > end:
                raise TimeoutError(f"{found.title}: still {found.state} after {timeout_s:g} s")
            time.sleep(0.05)
            self.advance()
        return found

    def advance(self) -> None:
        """Start what may start now."""
        _supervisors[:] = [one for one in _supervisors if one.poll() is None]  # or they stay as zombies
        if not self.folder.is_dir():
            return
        with self._locked():
            states = {folder: folder.state() for folder in self._folders()}
            free = self.running - sum(state == RUNNING for state in states.values())
            waiting = [folder for folder, state in states.items() if state == QUEUED]
            for folder in waiting[: max(0, free)]:
                self._begin(folder)

    def _begin(self, folder: JobFolder) -> None:
        paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.jobs.supervise", str(folder.path.resolve())],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _supervisors.append(process)
        write_json(folder.begun, {"process": identity(process.pid), "at": time.time()})

    def _folder(self, job: str) -> JobFolder:
        folder = JobFolder(self.folder / job)
        if not ID.fullmatch(job) or not folder.order.is_file():
            raise JobError("no such job; see the list of jobs")
        return folder

    def _folders(self) -> list[JobFolder]:
        """In the order they were made."""
        names = sorted(path.name for path in self.folder.glob("*") if ID.fullmatch(path.name))
        return [JobFolder(self.folder / name) for name in names if (self.folder / name / "job.json").is_file()]

    def _forget_old(self) -> None:
        with self._locked():
            over = [folder for folder in self._folders() if folder.state() not in (QUEUED, RUNNING)]
            for folder in over[: max(0, len(over) - self.kept)]:
                shutil.rmtree(folder.path, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Several threads, servers and ends of jobs may look at once which one is next."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

"""A job: the files of its folder, and what they say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.storage import write_json
from streamflow.errors import StreamflowError

from .process import lives
from .records import is_broken, record

QUEUED, RUNNING, DONE, FAILED, CANCELLED, LOST = "queued", "running", "done", "failed", "cancelled", "lost"
ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
TAIL_BYTES = 16_384
FRAME = " \t│╭╮╰╯─"  # of a box around a message
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class JobError(StreamflowError):
    """A job that is not there or cannot be started."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is known of a job.

    Attributes:
        id: names it; later jobs have later ones.
        title: for people.
        argv: of ``streamflow``, without the program's name.
        facts: what whoever started it wants back, JSON-able.
        state: queued, running, done, failed, cancelled, or lost (it ended and nobody saw how).
        made, started, ended: seconds since 1970; None for what has not been.
        exit_code: of the process, negative for a signal.
        stage, detail, done, total: how far it is; ``total`` 0 while it is not known.
        remaining_s: until the end of the stage, None while it cannot be told.
        stages: by name how far each is: ``since`` and ``at`` (seconds since 1970), ``first``, ``done``, ``total``.
        line: the last one it said; of a job that failed its error.
    """

    id: str
    title: str
    argv: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    state: str = QUEUED
    made: float = 0.0
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    stage: str = ""
    detail: str = ""
    done: float = 0.0
    total: float = 0.0
    remaining_s: float | None = None
    stages: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    line: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in (QUEUED, RUNNING)


@dataclass(frozen=True)
class JobFolder:
    """Where everything of a job lies. Each file is written by one process only, whole or not at all."""

    path: Path

    @property
    def order(self) -> Path:
        """What to do: written once, when the job is made."""
        return self.path / "job.json"

    @property
    def begun(self) -> Path:
        """The process that looks after it, by whoever started that."""
        return self.path / "begun.json"

    @property
    def running(self) -> Path:
        """The same by itself: whoever started it may have been killed before it could write."""
        return self.path / "running.json"

    @property
    def verb(self) -> Path:
        """The verb's own process."""
        return self.path / "verb.json"

    @property
    def cancelled(self) -> Path:
        """There when somebody wanted it stopped."""
        return self.path / "cancelled.json"

    @property
    def end(self) -> Path:
        """How it ended."""
        return self.path / "end.json"

    @property
    def progress(self) -> Path:
        """See :func:`harness.jobs.tell`."""
        return self.path / "progress.json"

    @property
    def log(self) -> Path:
        """All that it says, standard error too."""
        return self.path / "log.txt"

    def supervisors(self) -> list[str]:
        """The processes that look after it now: whoever started one, or itself after it was started again, wrote it down."""
        found = dict.fromkeys(record(path).get("process") for path in (self.begun, self.running))
        return [process for process in found if lives(process)]

    def verb_process(self) -> str | None:
        """The verb's process, None where it is gone or was never there."""
        process = record(self.verb).get("process")
        return process if lives(process) else None

    def state(self) -> str:
        """As the files and processes have it now; of files that cannot be read, as the others have it."""
        if self.end.exists():
            return self._end_state()
        if not any(path.exists() for path in (self.begun, self.running, self.verb)):
            return FAILED if is_broken(self.order) else QUEUED
        if self.supervisors() or self.verb_process():
            return RUNNING
        # it may have ended since the first look
        return self._end_state() if self.end.exists() else CANCELLED if self.cancelled.exists() else LOST

    def _end_state(self) -> str:
        end = record(self.end)
        if end and end.get("exit_code") in (record(self.order).get("good") or [0]):
            return DONE
        return CANCELLED if self.cancelled.exists() else FAILED

    def read(self) -> Job:
        """The job as it is now; a file of it that cannot be read is told in its line, or as its stage.

        Raises:
            JobError: there is none.
        """
        if not self.order.exists():
            raise JobError(f"{self.path.name}: no such job; see the list of jobs")
        order, state = record(self.order), self.state()
        begun, end = record(self.begun) or record(self.running), record(self.end)
        return Job(
            id=self.path.name,
            title=order.get("title", f"Job {self.path.name}"),
            argv=tuple(order.get("argv", ())),
            facts=order.get("facts") or {},
            state=state,
            made=order.get("made", 0.0),
            started=begun.get("at"),
            ended=end.get("at"),
            exit_code=end.get("exit_code"),
            line=self._line(state),
            **_progress(self.progress),
        )

    def _line(self, state: str) -> str:
        files = (self.order, self.begun, self.running, self.verb, self.end)
        broken = [path.name for path in files if is_broken(path)] if state in (FAILED, LOST) else []
        if broken:
            return f"{', '.join(broken)} of this job cannot be read, so nobody knows how it went; start it again"
        return last_line(self.log, state in (FAILED, LOST))

    def end_with(self, exit_code: int | None, at: float) -> None:
        """Say how it ended."""
        write_json(self.end, {"exit_code": exit_code, "at": at})


def _progress(path: Path) -> dict[str, Any]:
    told = record(path)
    if not told:
        return {"stage": f"{path.name} cannot be read"} if is_broken(path) else {}
    here = {name: told[name] for name in ("stage", "detail", "done", "total", "stages")}
    made, left = told["done"] - told["first"], told["total"] - told["done"]
    took = told["at"] - told["since"]
    return here | {"remaining_s": took / made * left if made > 0 and left >= 0 and told["total"] else None}


def tail(path: Path, most: int = TAIL_BYTES) -> str:
    """The end of a log as plain text: without colours and lines that were drawn over; empty where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    if size > most:
        lines = lines[1:]  # of the first one only a part was read
    return "\n".join(CONTROL.sub("", line).rstrip() for line in lines).strip("\n")


def last_line(path: Path, error: bool = False) -> str:
    """The last line of a log that says something; its last error where one is asked for and there is one."""
    lines = [line.strip(FRAME) for line in tail(path).splitlines() if any(map(str.isalnum, line))]
    errors = [line for line in lines if line.startswith("error: ")] if error else []
    return (errors or lines or [""])[-1]

"""Score finished renderings, several at a time: nothing is being timed any more."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from streamflow.audio import SAMPLE_RATE

from .failures import one_line
from .storage import read_flac, sha256_of_file
from .workers import BEGIN, BROKEN, FIRST_S, RESULT, work

MOST_JOBS = 4  # each process may hold a speaker encoder and more of its own
FEWEST_FOR_PROCESSES = 8  # starting another process costs more than scoring fewer
TIME_LIMIT_S = 120.0  # of one metric on one rendering; the slowest takes a tenth of the audio's length
READING, SEAMS = "reading the audio", "seams"


@dataclass(frozen=True, slots=True)
class ScoreTask:
    """What a rendering is still to be scored by.

    Attributes:
        system, utterance, seed: which.
        audio: file; scores are of what is kept, so that scoring again gives the same.
        reference: file, or None.
        seams: samples at which chunks meet.
        metrics: names and parameters still to be had.
        seam_measures: whether the seams are still to be measured.
        text: what is read, or "".
        other_reference: file of another recording of the speaker, or None.
        upper_bound: file of the same utterance by the system that streaming is held against, or None.
    """

    system: str
    utterance: str
    seed: int
    audio: Path
    reference: Path | None
    seams: tuple[int, ...] = ()
    metrics: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    seam_measures: bool = False
    text: str = ""
    other_reference: Path | None = None
    upper_bound: Path | None = None


@dataclass(slots=True, weakref_slot=True)
class ScoreResult:
    """What came of a task.

    Attributes:
        task: as given.
        scores: rows, see :func:`harness.metrics.row_of`.
        passing: rows of what could not be had here and now, such as for want of a package; not to be kept.
        seams: rows of :func:`harness.seams.seam_table`, None where they were not asked for or were lost.
        profiles, jumps: rows of the seams' profiles, and of the jumps of F0 at them, likewise.
        lost: why, by metric name or "seams" or "reading the audio": crashed, took too long, or raised.
    """

    task: ScoreTask
    scores: list[dict[str, Any]] = field(default_factory=list)
    passing: list[dict[str, Any]] = field(default_factory=list)
    seams: list[dict[str, Any]] | None = None
    profiles: list[dict[str, Any]] | None = None
    jumps: list[dict[str, Any]] | None = None
    lost: dict[str, str] = field(default_factory=dict)


def steps(task: ScoreTask) -> Iterator[tuple[str, Any]]:
    """Carry out a task, one step a metric; errors become results. What a worker process runs."""
    from .metrics import Pair, Unscored, get_metric, row_of

    yield BEGIN, READING
    try:
        degraded = read_flac(task.audio)
        reference = None if task.reference is None else read_flac(task.reference)
        other = _optional(task.other_reference)
        pair = Pair(degraded, reference, SAMPLE_RATE, text=task.text, other_reference=other)
    except Exception as error:
        yield RESULT, ("lost", (READING, one_line(error)))
        return
    for name, parameters in task.metrics:
        yield BEGIN, name
        try:
            metric = get_metric(name, parameters)
            value = metric.score_pair(pair)
            passing = isinstance(value, Unscored) and not value.lasting
            yield RESULT, ("passing" if passing else "score", row_of(metric, value))
        except Exception as error:
            yield RESULT, ("lost", (name, one_line(error)))
    if task.seam_measures:
        yield BEGIN, SEAMS
        try:
            yield RESULT, ("seams", _seams(task, degraded, reference))
        except Exception as error:
            yield RESULT, ("lost", (SEAMS, one_line(error)))


def _seams(task: ScoreTask, degraded: np.ndarray, reference: np.ndarray | None) -> dict[str, Any]:
    from .prosody import f0_jumps
    from .seams import profile_rows, seam_table

    seams = [seam for seam in task.seams if seam < len(degraded)]
    table = seam_table(degraded, seams, reference, SAMPLE_RATE)
    profiles = profile_rows(degraded, seams, _optional(task.upper_bound))
    jumps = f0_jumps(degraded, seams, reference).to_dict("records")
    return {"seams": table.to_dict("records"), "profiles": profiles, "jumps": jumps}


def _optional(path: Path | None) -> np.ndarray | None:
    return read_flac(path) if path is not None and path.is_file() else None


def seams_identity() -> str:
    """Of the seam measures: a change of what they are computed with measures them again."""
    from . import prosody, seams

    return f"{seams.IDENTITY};{sha256_of_file(Path(prosody.__file__))}"


def score_all(
    tasks: Sequence[ScoreTask],
    jobs: int | None = None,
    limit_s: float = TIME_LIMIT_S,
    first_s: float = FIRST_S,
) -> Iterator[ScoreResult]:
    """Score in as many processes as help, and yield results as they come.

    Renderings of one reference go to one process, which then analyses the reference once. A metric that takes its
    process down, or longer than ``limit_s``, costs that one score; what was left of the task goes to another process.

    Args:
        tasks: what to score.
        jobs: processes; None for one a core, at most 4, or a single one where there is little to do.
        limit_s: seconds that one metric may take for one rendering.
        first_s: seconds more at a process's first time, when it has to load a model.
    """
    if jobs is None:
        jobs = 1 if len(tasks) < FEWEST_FOR_PROCESSES else min(MOST_JOBS, os.cpu_count() or 1)
    queue, results = _Queue(tasks), {}
    for event in work("harness.scoring:steps", queue.next, jobs, limit_s, first_s):
        who = (event.task.system, event.task.utterance, event.task.seed)
        result = results.setdefault(who, ScoreResult(event.task))
        if event.kind == RESULT:
            _keep(result, *event.content)
            continue
        if event.kind == BROKEN:
            step = event.step or READING
            result.lost[step] = event.content
            if rest := _without(event.task, step, result):
                queue.again(rest)
                continue
        yield results.pop(who)  # and hold it no longer: there may be tens of thousands


def _keep(result: ScoreResult, kind: str, content: Any) -> None:
    if kind in ("score", "passing"):
        (result.scores if kind == "score" else result.passing).append(content)
    elif kind == "seams":
        result.seams, result.profiles, result.jumps = content["seams"], content["profiles"], content["jumps"]
    else:
        step, why = content
        result.lost[step] = why


def _without(task: ScoreTask, step: str, result: ScoreResult) -> ScoreTask | None:
    """What is left of a task whose process broke in a step, or None."""
    if step == READING:
        return None
    done = {row["metric"] for row in [*result.scores, *result.passing]} | set(result.lost)
    metrics = tuple((name, parameters) for name, parameters in task.metrics if name not in done)
    seams = task.seam_measures and SEAMS not in result.lost and result.seams is None
    return replace(task, metrics=metrics, seam_measures=seams) if metrics or seams else None


class _Queue:
    """Tasks by reference: a process goes on with the reference that it has, others begin a new one."""

    def __init__(self, tasks: Sequence[ScoreTask]) -> None:
        self._groups: dict[Path | None, deque[ScoreTask]] = defaultdict(deque)
        for task in tasks:
            self._groups[task.reference].append(task)
        self._fresh = deque(self._groups)

    def next(self, last: ScoreTask | None) -> ScoreTask | None:
        """The next for a process that did ``last``."""
        if not self._groups:
            return None
        if last is None or last.reference not in self._groups:
            while self._fresh and self._fresh[0] not in self._groups:
                self._fresh.popleft()
            reference = self._fresh.popleft() if self._fresh else next(iter(self._groups))
        else:
            reference = last.reference
        task = self._groups[reference].popleft()
        if not self._groups[reference]:
            del self._groups[reference]
        return task

    def again(self, task: ScoreTask) -> None:
        """Put back what was left of one."""
        self._groups[task.reference].appendleft(task)

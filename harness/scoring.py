"""Score finished renderings, several at a time: nothing is being timed any more."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from streamflow.audio import SAMPLE_RATE

from .failures import one_line
from .storage import read_flac

MOST_JOBS = 4  # each process holds a speaker encoder of its own
FEWEST_FOR_PROCESSES = 8  # starting processes costs more than scoring fewer


@dataclass(frozen=True, slots=True)
class ScoreTask:
    """What a rendering is still to be scored by.

    Attributes:
        system, utterance: which.
        audio, reference: files; scores are of what is kept, so that scoring again gives the same.
        seams: samples at which chunks meet.
        metrics: names still to be had.
        seam_measures: whether the seams are still to be measured.
    """

    system: str
    utterance: str
    audio: Path
    reference: Path
    seams: tuple[int, ...]
    metrics: tuple[str, ...]
    seam_measures: bool


@dataclass(slots=True)
class ScoreResult:
    """What came of a task; ``seams`` is None where they were not asked for or failed."""

    task: ScoreTask
    scores: list[dict[str, Any]] = field(default_factory=list)
    seams: list[dict[str, Any]] | None = None
    errors: list[str] = field(default_factory=list)


def score(task: ScoreTask) -> ScoreResult:
    """Score one rendering over the length that it and its reference share; errors become lines, never exceptions."""
    result = ScoreResult(task)
    try:
        degraded, reference = read_flac(task.audio), read_flac(task.reference)
        length = min(len(degraded), len(reference))
        degraded, reference = degraded[:length], reference[:length]
    except Exception as error:
        result.errors.append(one_line(error))
        return result
    if task.metrics:
        _score_metrics(result, degraded, reference)
    if task.seam_measures:
        _measure_seams(result, degraded, reference)
    return result


def _score_metrics(result: ScoreResult, degraded: Any, reference: Any) -> None:
    from .metrics import score_pair

    names = result.task.metrics
    try:
        result.scores = score_pair(degraded, reference, list(names))
        return
    except Exception as error:
        if len(names) == 1:
            result.errors.append(f"{names[0]}: {one_line(error)}")
            return
    for name in names:  # one of them raised; alone, the others still can be had
        try:
            result.scores += score_pair(degraded, reference, [name])
        except Exception as error:
            result.errors.append(f"{name}: {one_line(error)}")


def _measure_seams(result: ScoreResult, degraded: Any, reference: Any) -> None:
    from .seams import seam_table

    seams = [seam for seam in result.task.seams if seam < len(degraded)]
    try:
        table = seam_table(degraded, seams, reference, SAMPLE_RATE)
        result.seams = table.to_dict("records")
    except Exception as error:
        result.errors.append(f"seams: {one_line(error)}")


@functools.cache
def seams_identity() -> str:
    """Of the seam measures: the hash of their source, so that a change measures them again."""
    from . import seams

    return hashlib.sha256(Path(str(seams.__file__)).read_bytes()).hexdigest()


def score_all(
    tasks: Sequence[ScoreTask], jobs: int | None = None, scorer: Callable[[ScoreTask], ScoreResult] = score
) -> Iterator[ScoreResult]:
    """Score in as many processes as help, and yield results as they come.

    A metric's C code that takes its process down costs the rendering that it was given, not the run.

    Args:
        tasks: what to score.
        jobs: processes; None for one a core, at most 4, or this process alone where there is little to do.
        scorer: what scores one task; importable by its name, as other processes call it.
    """
    if jobs is None:
        jobs = 1 if len(tasks) < FEWEST_FOR_PROCESSES else min(MOST_JOBS, os.cpu_count() or 1)
    if jobs == 1:
        yield from map(scorer, tasks)
        return
    left = {(task.system, task.utterance): task for task in tasks}
    try:
        for result in _parallel(list(left.values()), jobs, scorer):
            left.pop((result.task.system, result.task.utterance))
            yield result
    except BrokenProcessPool:
        for task in left.values():
            yield _score_apart(task, scorer)


def _parallel(tasks: Sequence[ScoreTask], jobs: int, scorer: Callable) -> Iterator[ScoreResult]:
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(
            joblib.delayed(scorer)(task) for task in tasks
        )


def _score_apart(task: ScoreTask, scorer: Callable) -> ScoreResult:
    try:
        (result,) = _parallel([task], 2, scorer)  # with 1 joblib would stay in this process
        return result
    except BrokenProcessPool:
        return ScoreResult(task, errors=[f"a metric took its process down ({', '.join(task.metrics)} or the seams)"])

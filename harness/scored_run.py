"""The scores of a run: which are missing, having them measured, and the run's tables put together."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamflow.errors import StreamflowError

from .corpus import Utterance
from .failures import Failure
from .metrics import Metric, get_metric
from .run import RunFolder, TableWriter
from .score_store import ScoreStore
from .scoring import READING, SEAMS, TIME_LIMIT_S, ScoreResult, ScoreTask, score_all, seams_identity
from .storage import key_of, read_json, sha256_of_file

UPPER_BOUND = "full"  # the system that the others' seams are held against


@dataclass(frozen=True, slots=True)
class Kept:
    """A rendering that is there, without its trace.

    Attributes:
        system, utterance, seed: which.
        audio: its file.
        record: JSON with its trace and latency.
        audio_sha256: of the file.
        seams: samples where chunks meet; 0 is none.
    """

    system: str
    utterance: str
    seed: int
    audio: Path
    record: Path
    audio_sha256: str
    seams: tuple[int, ...]

    @property
    def who(self) -> tuple[str, str, int]:
        return self.system, self.utterance, self.seed


def seams_of(trace: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """The samples where what was made apart meets."""
    return tuple(int(chunk["seam_sample"]) for chunk in trace if chunk["seam_sample"] > 0)


@dataclass
class ScoredRun:
    """The scores of a run's renderings; the context that writes the run's tables when it is left.

    Attributes:
        folder: of the run.
        utterances: of the corpus, in its order.
        systems: names, in the order of the tables.
        metrics: by name, those that were asked for.
        parameters: of the metrics that were given some.
        renderings: by system, utterance and seed.
        failures: of this start so far; what scoring loses is added.
        scored: renderings that got new scores or seams.
    """

    folder: RunFolder
    utterances: Sequence[Utterance]
    systems: Sequence[str]
    metrics: Sequence[str]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    renderings: dict[tuple[str, str, int], Kept] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    scored: int = 0
    _lost: dict[tuple[str, str, int], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    @functools.cached_property
    def chosen(self) -> dict[str, Metric]:
        """The metrics with their parameters.

        Raises:
            MetricError: one that there is not, or parameters that it does not take.
        """
        return {name: get_metric(name, self.parameters.get(name)) for name in self.metrics}

    @functools.cached_property
    def _store(self) -> ScoreStore:
        return ScoreStore(self.folder.scores)

    @functools.cached_property
    def _utterance(self) -> dict[str, Utterance]:
        return {utterance.utterance_id: utterance for utterance in self.utterances}

    @functools.cached_property
    def _others(self) -> dict[str, str]:
        """For each utterance the next one of its speaker whose recording is there."""
        by_speaker: dict[str, list[str]] = defaultdict(list)
        for utterance in self.utterances:
            if self.folder.reference(utterance.utterance_id).is_file():
                by_speaker[utterance.speaker_id].append(utterance.utterance_id)
        return {
            name: names[(place + 1) % len(names)]
            for names in by_speaker.values()
            if len(names) > 1
            for place, name in enumerate(names)
        }

    @functools.cached_property
    def _reference_sha256(self) -> Callable[[str], str]:
        return functools.cache(lambda utterance: sha256_of_file(self.folder.reference(utterance)) or "")

    def _score_key(self, kept: Kept, metric: Metric) -> str:
        """The hash of all that a score is true of."""
        about: dict[str, str] = {"audio": kept.audio_sha256, "metric": metric.identity}
        if "reference" in metric.needs:
            about["reference"] = self._reference_sha256(kept.utterance)
        if "text" in metric.needs:
            about["text"] = self._utterance[kept.utterance].text
        if "other_reference" in metric.needs and (other := self._others.get(kept.utterance)):
            about["other"] = self._reference_sha256(other)
        return key_of(about)

    def _seam_key(self, kept: Kept) -> str:
        bound = self._upper_bound(kept)
        about = [kept.audio_sha256, self._reference_sha256(kept.utterance), list(kept.seams), seams_identity()]
        return key_of([*about, bound.audio_sha256 if bound else ""])

    def _upper_bound(self, kept: Kept) -> Kept | None:
        return None if kept.system == UPPER_BOUND else self.renderings.get((UPPER_BOUND, kept.utterance, kept.seed))

    def missing(self) -> list[ScoreTask]:
        """What is still to be measured; utterance by utterance, so that a reference is analysed once."""
        if not self.metrics:
            return []
        order = {utterance.utterance_id: place for place, utterance in enumerate(self.utterances)}
        renderings = sorted(self.renderings.values(), key=lambda kept: order[kept.utterance])
        return [task for kept in renderings if (task := self._task(kept)) is not None]

    def _task(self, kept: Kept) -> ScoreTask | None:
        keys = {name: self._score_key(kept, metric) for name, metric in self.chosen.items()}
        seam_key = self._seam_key(kept) if kept.seams else ""
        there = self._store.has([*keys.values(), *filter(None, [seam_key])])
        names = [name for name, key in keys.items() if key not in there]
        seams = bool(seam_key) and seam_key not in there
        if not names and not seams:
            return None
        reference, other = self.folder.reference(kept.utterance), self._others.get(kept.utterance)
        bound = self._upper_bound(kept)
        return ScoreTask(
            system=kept.system,
            utterance=kept.utterance,
            seed=kept.seed,
            audio=kept.audio,
            reference=reference if reference.is_file() else None,
            seams=kept.seams,
            metrics=tuple((name, dict(self.parameters.get(name, {}))) for name in names),
            seam_measures=seams,
            text=self._utterance[kept.utterance].text,
            other_reference=self.folder.reference(other) if other else None,
            upper_bound=bound.audio if bound else None,
        )

    def score(self, jobs: int | None = None, limit_s: float = TIME_LIMIT_S) -> Iterator[tuple[ScoreTask, int]]:
        """Measure what is missing, keep it, and yield each task with how many there are."""
        tasks = self.missing()
        for result in score_all(tasks, jobs, limit_s):
            self._keep(result)
            yield result.task, len(tasks)

    def _keep(self, result: ScoreResult) -> None:
        task = result.task
        kept = self.renderings[task.system, task.utterance, task.seed]
        content: dict[str, Any] = {}
        for row in result.scores:
            content[self._score_key(kept, self.chosen[row["metric"]])] = row
        if result.seams is not None:
            content[self._seam_key(kept)] = {"seams": result.seams, "profiles": result.profiles, "jumps": result.jumps}
        for row in result.passing:
            self._lost[kept.who][row["metric"]] = row["unscored_because"]
        for step, why in result.lost.items():
            self._lose(task, step, why)
        if content:
            self._store.put(content)
            self.scored += 1

    def _lose(self, task: ScoreTask, step: str, why: str) -> None:
        """A failure, and an unscored row for each metric that it costs; tried again at the next start."""
        self.failures.append(Failure(task.system, task.utterance, "score", f"{step}: {why}"))
        names = [name for name, _ in task.metrics] if step == READING else [] if step == SEAMS else [step]
        for name in names:
            self._lost[task.system, task.utterance, task.seed][name] = f"{step}: {why}"

    def _write_tables(self) -> None:
        """Write every table of the run, in the order of systems, utterances, seeds and metrics."""
        order = {name: place for place, name in enumerate(self.systems)}
        seeds = sorted({seed for _, _, seed in self.renderings})
        with TableWriter(self.folder.path) as table:
            for system in self.systems:
                for utterance in self.utterances:
                    for seed in seeds:
                        if kept := self.renderings.get((system, utterance.utterance_id, seed)):
                            self._write_rendering(table, kept, utterance)
            for failure in sorted(self.failures, key=lambda failure: order.get(failure.system, -1)):
                table.add("failures", [failure.row()])

    def _write_rendering(self, table: TableWriter, kept: Kept, utterance: Utterance) -> None:
        who = {"system": kept.system, "utterance": kept.utterance, "seed": kept.seed}
        record = read_json(kept.record) or {}
        table.add("traces", [{**who, **chunk} for chunk in record.get("trace", []) if "index" in chunk])
        if record.get("latency"):
            table.add("latency", [{**who, **record["latency"]}])
        if not self.metrics:
            return
        keys = {name: self._score_key(kept, metric) for name, metric in self.chosen.items()}
        seam_key = self._seam_key(kept) if kept.seams else ""
        there = self._store.get([*keys.values(), *filter(None, [seam_key])])
        speaker = {"speaker": utterance.speaker_id}
        rows = [there.get(keys[name]) or self._unscored(kept, metric) for name, metric in self.chosen.items()]
        table.add("scores", [{**who, **speaker, **row} for row in rows if row])
        measured = there.get(seam_key, {})
        for name in ("seams", "profiles", "jumps"):
            table.add(name, [{**who, **row} for row in measured.get(name, [])])

    @property
    def wanting(self) -> dict[str, int]:
        """Scores that lack something of this machine or of the command, by reason."""
        told = {(failure.system, failure.utterance, failure.error) for failure in self.failures}
        return Counter(
            why
            for (system, utterance, _), reasons in self._lost.items()
            for why in reasons.values()
            if (system, utterance, why) not in told
        )

    @property
    def complete(self) -> bool:
        """Whether nothing was lost that another start might have."""
        return not self._lost and not any(failure.stage == "score" for failure in self.failures)

    def _unscored(self, kept: Kept, metric: Metric) -> dict[str, Any] | None:
        """The row of a score that was lost; None where scoring never came to it."""
        why = self._lost.get(kept.who, {}).get(metric.name)
        row = {"metric": metric.name, "identity": metric.identity, "value": None, "unit": metric.unit}
        return {**row, "unscored_because": why} if why else None

    def __enter__(self) -> ScoredRun:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        """Write the tables, of what is finished after an exception too, and let go of the file of kept scores."""
        try:
            # the first error is the one to tell of
            with contextlib.suppress(OSError, StreamflowError) if kind else contextlib.nullcontext():
                self._write_tables()
        finally:
            if "_store" in self.__dict__:
                self._store.close()

"""Carry out an experiment: decode what is missing, score what is missing, write the run."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from streamflow.session import StreamRequest

from .corpus import Corpus, CorpusError, Utterance, load_corpus
from .experiment import Experiment
from .failures import Failure, FailureLog, raise_if_disk_full
from .finished import finished_key, is_finished, mark_finished
from .inputs import FrontEnd, Inputs, prepare
from .jobs.progress import tell
from .latency import latency_row
from .manifest_tokens import check_columns, needed
from .provenance import code_sha256, provenance, torch_version
from .render import render, start_of
from .run import Run, RunError, RunFolder
from .scored_run import Kept, ScoredRun, seams_of
from .scoring import TIME_LIMIT_S
from .storage import (
    encode_flac,
    key_of,
    locked,
    read_json,
    remove_partials,
    sha256_of,
    sha256_of_file,
    write_bytes,
    write_json,
)
from .systems import LoadedSystem, check_strategies, load_system, otherwise_trained

DECODED, RENDERED = "decoded", "rendered"  # kinds of runs
SEED_SUFFIX = re.compile(r"\.seed-\d+$")
LINE_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a start of a run did.

    Attributes:
        path: of the run.
        decoded: renderings made now.
        kept: renderings that were there.
        scored: renderings that got new scores or seams.
        failures: what was lost.
        unscored: how many scores could not be had here and now, such as for want of a package or model, by reason.
    """

    path: Path
    decoded: int
    kept: int
    scored: int
    failures: list[Failure]
    unscored: dict[str, int] = field(default_factory=dict)


def compare(
    experiment: Experiment,
    out: str | Path,
    *,
    front_end: FrontEnd | None = None,
    jobs: int | None = None,
    limit_s: float = TIME_LIMIT_S,
    console: Console | None = None,
    command: list[str] | None = None,
) -> Outcome:
    """Carry out an experiment into a run, or what is missing of it.

    Decoding is serial, in this process and with torch's own number of threads, because it is being timed; utterance by
    utterance with every system in turn, so that a machine that slows down slows them all alike. Before its first
    utterance each system decodes up to 2 s of it once unrecorded (``utterance_id`` "warm-up"), so that lazy
    initialisation is not taken for latency. Scoring comes afterwards, in several processes.

    What concerns one system and utterance becomes a row of ``failures.parquet`` and is tried again at the next start.

    Args:
        experiment: what to do.
        out: the run's folder; new, empty, or a run.
        front_end: tokenizer and speaker encoder; None for those of ``experiment.checkpoint``.
        jobs: processes that score; None to choose.
        limit_s: seconds that one metric may take for one rendering.
        console: where progress goes; None for nowhere.
        command: as typed, for the provenance.

    Raises:
        StreamflowError: the manifest, a system, a metric, the checkpoint or the folder cannot be used, another process
            writes the run, or the disk is full.
        KeyboardInterrupt: all that was finished is kept.
    """
    work = _Work(experiment, RunFolder(Path(out)), front_end, jobs, limit_s, console, command)
    with guarded(Path(out), DECODED):
        return work.carry_out()


@contextlib.contextmanager
def guarded(out: Path, kind: str) -> Iterator[None]:
    """Hold a run's folder for writing; what the disk says against it becomes one line.

    Raises:
        RunError: not a folder for a run, or a file of it cannot be written.
        RunLockedError: another process writes it.
        DiskFullError: no space left.
    """
    try:
        with locked(_usable(out, kind)):
            try:
                yield
            finally:
                if {path.name for path in out.iterdir()} <= {".kind", ".lock"}:  # refused before anything was made
                    shutil.rmtree(out)
    except OSError as error:
        raise_if_disk_full(error)
        if error.filename is None:  # not about a file: a fault of ours, to be seen whole
            raise
        raise RunError(f"{error.filename}: {error.strerror}; mend it or give another --out") from error


def _usable(out: Path, kind: str) -> Path:
    """Refuse to fill a folder that holds something else; ``.kind`` is in it from the first moment."""
    if out.exists() and not out.is_dir():
        raise RunError(f"{out}: a file; give a folder as --out")
    mark, toml = out / ".kind", out / "run.toml"
    if not mark.exists() and not toml.exists() and out.is_dir() and any(path.name != ".lock" for path in out.iterdir()):
        raise RunError(f"{out}: neither a run nor empty; give another --out")
    if toml.exists() and ("rendered" in Run(out).experiment) != (kind == RENDERED):
        made = "`streamflow score`" if kind == DECODED else "`streamflow compare`"
        raise RunError(f"{out}: a run of {made}, which this would overwrite; give another --out")
    write_bytes(mark, kind.encode())
    return out


@dataclass
class _Work:
    """One start of a run."""

    experiment: Experiment
    folder: RunFolder
    front_end: FrontEnd | None
    jobs: int | None
    limit_s: float
    console: Console | None
    command: list[str] | None
    failures: FailureLog = field(default_factory=FailureLog)
    audio_sha256: dict[str, str] = field(default_factory=dict)
    tokens_sha256: dict[str, str] = field(default_factory=dict)
    warm: set[str] = field(default_factory=set)
    decoded: int = 0
    kept: int = 0

    def carry_out(self) -> Outcome:
        if self.experiment.device == "auto":  # what the run says must be what decoded it
            from streamflow.devices import device_of

            self.experiment = replace(self.experiment, device=device_of("auto").type)
        remove_partials(self.folder.path)
        self.corpus: Corpus = load_corpus(
            self.experiment.corpus, split=self.experiment.split, limit=self.experiment.limit
        )
        self._check_names()
        self.scores = ScoredRun(
            folder=self.folder,
            utterances=self.corpus.utterances,
            systems=[spec.name for spec in self.experiment.systems],
            metrics=self.experiment.metric_names,
            parameters=self.experiment.metric_options,
            failures=self.failures.rows,
        )
        self.metrics = {name: metric.identity for name, metric in self.scores.chosen.items()}
        hashes = None if self.front_end is None else self.front_end.hashes
        key = finished_key(self.experiment, self.corpus, self.metrics, hashes)
        if (kept := is_finished(self.folder, key)) is not None:
            return Outcome(self.folder.path, 0, kept, 0, [])
        self.systems = self._load_systems()
        self._write_head()
        with self.scores, progress_bars(self.console) as progress:
            self._decode_all(progress)
            score_with_progress(self.scores, progress, self.jobs, self.limit_s)
        if not self.failures.rows and self.scores.complete:
            mark_finished(self.folder, key, self.scores.renderings.values())
        return Outcome(
            self.folder.path, self.decoded, self.kept, self.scores.scored, self.failures.rows, self.scores.wanting
        )

    def _check_names(self) -> None:
        """With several seeds, files are named after utterance and seed."""
        for utterance in self.corpus.utterances if len(self.experiment.seeds) > 1 else ():
            if SEED_SUFFIX.search(utterance.utterance_id):
                raise CorpusError(
                    f"utterance_id {utterance.utterance_id!r} ends as files of other seeds do; give it another name"
                )

    def _load_systems(self) -> list[LoadedSystem]:
        """Cheap checks first, so that a mistyped name does not wait for weights."""
        specs = self.experiment.systems
        if any(spec.strategy for spec in specs):
            check_strategies(specs)
        loaded = {spec.name: load_system(spec, None) for spec in specs if spec.object}
        if self.front_end is None:
            from streamflow.checkpoints import load_bundle

            self.front_end = load_bundle(self.experiment.checkpoint, device=self.experiment.device)
        check_columns(self.corpus, self.front_end)
        loaded |= {spec.name: load_system(spec, self.front_end) for spec in specs if spec.strategy}
        if self.console is not None:
            for told in otherwise_trained({name: system.description for name, system in loaded.items()}):
                self.console.print(told, markup=False)
        return [loaded[spec.name] for spec in specs]

    def _write_head(self) -> None:
        """What makes the folder a run."""
        path = self.folder.path
        write_bytes(path / "run.toml", self.experiment.to_toml().encode())
        write_json(path / "utterances.json", [utterance.row() for utterance in self.corpus.utterances])
        for utterance in self.corpus.utterances:
            if digest := sha256_of_file(utterance.path):
                self.audio_sha256[utterance.utterance_id] = digest
            if "tokens" in needed(self.front_end) and (digest := sha256_of_file(utterance.tokens_path)):
                self.tokens_sha256[utterance.utterance_id] = digest
        before = read_json(path / "provenance.json")
        write_json(
            path / "provenance.json",
            provenance(
                checkpoint=self.experiment.checkpoint,
                hashes=self.front_end.hashes,
                audio=self.audio_sha256,
                metrics=self.metrics,
                systems={system.name: system.description for system in self.systems},
                command=self.command,
                before=before if isinstance(before, dict) else None,
                tokens=self.tokens_sha256,
            ),
        )

    # decoding

    def _decode_all(self, progress: Progress) -> None:
        seeds = self.experiment.seeds
        each = len(self.systems) * len(seeds)
        bar = progress.add_task("decode", total=len(self.corpus.utterances) * each)
        for utterance in self.corpus.utterances:
            show(progress, bar, f"decode {utterance.utterance_id}")
            inputs = self._prepare(utterance)
            for seed in seeds if inputs else ():
                for system in self.systems:
                    self._decode(system, inputs, seed)
                    show(progress, bar, advance=1)
            if inputs is None:
                show(progress, bar, advance=each)
        show(progress, bar, f"decode: {self.decoded} new, {self.kept} kept")

    def _prepare(self, utterance: Utterance) -> Inputs | None:
        name = utterance.utterance_id
        names = [system.name for system in self.systems]
        return prepare(utterance, self.front_end, self.folder.inputs(name), names, self.failures, code_sha256())

    def _key(self, system: LoadedSystem, inputs: Inputs, seed: int) -> str:
        """The hash of all that determines a rendering."""
        return key_of(
            {
                "inputs": inputs.identity,
                "system": system.description,
                "seed": seed,
                "code": code_sha256(),
                "torch": torch_version(),
            }
        )

    def _decode(self, system: LoadedSystem, inputs: Inputs, seed: int) -> None:
        """Decode and write a rendering unless it is there."""
        name, key = inputs.utterance.utterance_id, self._key(system, inputs, seed)
        other_seed = None if seed == self.experiment.seeds[0] else seed
        record = self.folder.rendering(system.name, name, key, other_seed)
        if record is not None and self.folder.reference(name).is_file():
            self._have(system.name, name, seed, record)
            self.kept += 1
            return
        self.folder.forget_rendering(system.name, name, other_seed)
        with self.failures.catch(system.name, name, "load") as attempt:
            request = inputs.request(seed)
        if attempt.failed:
            return
        self._warm_up(system, request)
        with self.failures.catch(system.name, name, "decode") as attempt:
            rendering = render(system.name, system.open, request)
        if attempt.failed:
            return
        latency = latency_row(
            rendering, system.algorithmic_latency_s, declared="algorithmic_latency_s" in system.description
        )
        record = {"key": key, "seed": seed, "trace": rendering.trace_rows(), "latency": latency}
        with self.failures.catch(system.name, name, "write"):
            self._write_reference(inputs)
            record = self.folder.write_rendering(
                system.name, name, rendering.samples, record, other_seed, rendering.sample_rate
            )
            self._have(system.name, name, seed, record)
            self.decoded += 1

    def _have(self, system: str, utterance: str, seed: int, record: dict[str, Any]) -> None:
        """Remember a rendering, but not its trace: a run may hold ten thousands of them."""
        other_seed = None if seed == self.experiment.seeds[0] else seed
        self.scores.renderings[system, utterance, seed] = Kept(
            system=system,
            utterance=utterance,
            seed=seed,
            audio=self.folder.audio(system, utterance, other_seed),
            record=self.folder.rendering_record(system, utterance, other_seed),
            audio_sha256=record["audio_sha256"],
            seams=seams_of(record["trace"]),
        )

    def _write_reference(self, inputs: Inputs) -> None:
        path, flac = self.folder.reference(inputs.utterance.utterance_id), encode_flac(inputs.reference)
        if sha256_of_file(path) != sha256_of(flac):
            write_bytes(path, flac)

    def _warm_up(self, system: LoadedSystem, request: StreamRequest) -> None:
        """Decode a little, once; if it fails, the recorded decode fails too and is the one to tell of it."""
        if system.name in self.warm:
            return
        self.warm.add(system.name)
        with contextlib.suppress(Exception):
            render(system.name, system.open, start_of(request))


def score_with_progress(
    scores: ScoredRun, progress: Progress, jobs: int | None = None, limit_s: float = TIME_LIMIT_S
) -> None:
    """Score what is missing, and show it."""
    bar = progress.add_task("score", total=None)
    for task, total in scores.score(jobs, limit_s):
        progress.update(bar, total=total)
        show(progress, bar, f"score {task.utterance}", advance=1)
    progress.update(bar, total=progress.tasks[bar].completed)
    show(progress, bar, f"score: {scores.scored} new")


def progress_bars(console: Console | None) -> Progress:
    """Bars that are drawn between decodes only: a thread that draws would be timed with them."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,
        disable=console is None,
    )


def show(progress: Progress, bar: Any, description: str | None = None, advance: int = 0) -> None:
    """Draw a bar as it is now; where there is no terminal to draw on, a line every half minute; tell of it."""
    progress.update(bar, description=description, advance=advance)
    progress.refresh()
    task = progress.tasks[bar]
    stage, _, detail = task.description.partition(" ")
    tell(stage.rstrip(":"), task.completed, task.total, detail)
    if progress.disable or progress.console.is_terminal or progress.get_time() < task.fields.get("told", 0.0):
        return
    progress.update(bar, told=progress.get_time() + LINE_EVERY_S)
    progress.console.print(f"{task.description}: {task.completed:.0f} of {task.total or 0:.0f}", markup=False)

"""The runs of a folder at a glance: what each is of, where it comes from, how far it is. No table is loaded for it."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyarrow import parquet

from streamflow.errors import StreamflowError

from .compare import DECODED, RENDERED
from .run import Run, seeds_of
from .storage import stamp

LOOKED_AT = ("run.toml", "provenance.json", "utterances.json", "failures.parquet", "scores.parquet", "latency.parquet",
             "report/index.html", "bench/cells.parquet", ".finished.json")  # fmt: skip
COMPLETE, WITH_FAILURES, UNFINISHED, WRITING, UNREADABLE = (
    "complete", "with failures", "unfinished", "being written", "unreadable"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known of a run without its tables.

    Attributes:
        name: of its folder.
        path: the folder.
        made: when it was first started, UTC.
        state: complete, with failures, unfinished, being written, or unreadable.
        kind: decoded, or rendered elsewhere.
        corpus: for people, such as ``shipped``.
        manifest: where the corpus was.
        systems: names, in the order of the report.
        experiment: ``run.toml``.
        provenance: ``provenance.json``.
        seeds, utterances, failures: of the run; failures are renderings that were lost.
        speakers: how many.
        checkpoint: its name, "" where there is none.
        commit: of the code, short; "" where it is not known.
        hardware: in words.
        has_report, has_bench: whether they were written.
        problem: of an unreadable one, in a line.
    """

    name: str
    path: Path
    made: datetime
    state: str = UNFINISHED
    kind: str = DECODED
    corpus: str = ""
    manifest: str = ""
    systems: tuple[str, ...] = ()
    experiment: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    utterances: int = 0
    speakers: int = 0
    failures: int = 0
    checkpoint: str = ""
    commit: str = ""
    hardware: str = ""
    has_report: bool = False
    has_bench: bool = False
    problem: str = ""

    def matches(self, text: str) -> bool:
        """Whether every word is in its name, corpus, systems, checkpoint, commit, state or notes of where it was made."""
        there = (self.name, self.corpus, self.manifest, *self.systems, self.checkpoint, self.commit, self.hardware,
                 self.state, self.kind)  # fmt: skip
        haystack = "\n".join(there).casefold()
        return all(word in haystack for word in text.casefold().split())


class RunIndex:
    """The runs below a folder; each is read again only where one of its files changed. Safe to use from threads."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._known: dict[str, tuple[Any, RunFacts]] = {}
        self._lock = threading.Lock()

    def runs(self) -> list[RunFacts]:
        """All of them, the newest first."""
        names = [path.parent.name for path in self.folder.glob("*/run.toml") if not path.parent.name.startswith(".")]
        with self._lock:
            self._known = {name: self._known[name] for name in names if name in self._known}
            facts = [found for found in map(self._facts, names) if found is not None]
        return sorted(facts, key=lambda run: (run.made, run.name), reverse=True)

    def get(self, name: str) -> RunFacts | None:
        """The run of a name, None where there is none."""
        return next((run for run in self.runs() if run.name == name), None)

    def _facts(self, name: str) -> RunFacts | None:
        """None where the run was taken away meanwhile."""
        path = self.folder / name
        stamps = [stamp(path / file) for file in LOOKED_AT]
        known = self._known.get(name)
        if known is None or known[0] != stamps:
            try:
                self._known[name] = known = (stamps, read_facts(path))
            except OSError:
                return None
        facts = known[1]
        if facts.state == UNREADABLE or not is_being_written(path):
            return facts
        return RunFacts(**{**vars(facts), "state": WRITING})


def read_facts(path: Path) -> RunFacts:
    """The facts of one run; what keeps it from being read becomes its ``problem``."""
    made = datetime.fromtimestamp((path / "run.toml").stat().st_mtime, UTC)
    try:
        run = Run(path)
        experiment, utterances = run.experiment, _listed(run)
        experiment["systems"].items()  # a table, or the run is none
        systems, speakers = tuple(experiment["systems"]), {row.get("speaker_id") for row in utterances}
        lost = _rows(path, "failures")
        expected = len(utterances) * len(systems) * len(seeds_of(experiment))
        state = _state(path, lost, 0 if "rendered" in experiment else expected)
    except (StreamflowError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        text = str(error) if isinstance(error, StreamflowError) else f"{type(error).__name__}: {error}"
        return RunFacts(name=path.name, path=path, made=made, state=UNREADABLE, problem=" ".join(text.split()))
    try:
        provenance = dict(run.provenance)
    except (StreamflowError, ValueError, TypeError):  # not there, or not a table
        provenance = {}
    manifest = str(experiment.get("corpus") or "")
    return RunFacts(
        name=path.name,
        path=path,
        made=_moment(provenance.get("created")) or made,
        state=state,
        kind=RENDERED if "rendered" in experiment else DECODED,
        corpus=corpus_name(manifest, experiment.get("split")),
        manifest=manifest,
        systems=systems,
        experiment=experiment,
        provenance=provenance,
        seeds=seeds_of(experiment),
        utterances=len(utterances),
        speakers=len(speakers),
        failures=lost,
        checkpoint=str(experiment.get("checkpoint") or ""),
        commit=_commit(provenance.get("git")),
        hardware=hardware_in_words(provenance.get("hardware")),
        has_report=(path / "report" / "index.html").is_file(),
        has_bench=(path / "bench").is_dir(),
    )


def matching(
    runs: Iterable[RunFacts], *, text: str = "", system: str = "", corpus: str = "", checkpoint: str = ""
) -> list[RunFacts]:
    """Those of the runs that fit everything that is not empty."""
    return [
        run
        for run in runs
        if run.matches(text)
        and (not system or system in run.systems)
        and corpus in ("", run.corpus)
        and checkpoint in ("", run.checkpoint)
    ]


def is_being_written(path: Path) -> bool:
    """Whether a process holds the run for writing; see :func:`harness.storage.locked`."""
    try:
        with (path / ".lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look at once don't see each other
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def corpus_name(manifest: str, split: str | None = None) -> str:
    """What people call a corpus: the manifest's name, its folder's where that says nothing, and the part of it."""
    path = Path(manifest)
    name = path.parent.name if path.stem == "manifest" else path.stem
    return f"{name}, {split}" if name and split else name


def hardware_in_words(hardware: Any) -> str:
    """CPU, cores, memory and accelerator, as far as they were noted."""
    if not isinstance(hardware, Mapping):
        return ""
    parts = [str(hardware.get("cpu") or "")]
    parts += [f"{hardware['cores']} cores"] if hardware.get("cores") else []
    parts += [f"{hardware['memory_gb']:g} GB"] if isinstance(hardware.get("memory_gb"), int | float) else []
    parts += [str(hardware["accelerator"])] if hardware.get("accelerator") else []
    return ", ".join(part for part in parts if part)


def _rows(path: Path, table: str) -> int:
    """Of a table, from its footer; none where there is no table."""
    file = path / f"{table}.parquet"
    return parquet.read_metadata(file).num_rows if file.is_file() else 0


def _state(path: Path, lost: int, expected: int) -> str:
    """How far a run is; tables are also written by one that was interrupted, with what it had come to."""
    if not (path / "scores.parquet").is_file():
        return UNFINISHED
    if lost:
        return WITH_FAILURES
    timed = _rows(path, "latency")
    untimed = timed == 0 and _rows(path, "scores") > 0  # renderings whose timings were not kept
    return UNFINISHED if timed < expected and not untimed else COMPLETE


def _listed(run: Run) -> list[Mapping[str, Any]]:
    """Utterances; none where the run was stopped before it could write them."""
    return list(run.utterances) if (run.path / "utterances.json").is_file() else []


def _moment(text: Any) -> datetime | None:
    with suppress(TypeError, ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _commit(git: Any) -> str:
    if not isinstance(git, Mapping) or not git.get("commit"):
        return ""
    return str(git["commit"])[:10] + (" with changes" if git.get("dirty") else "")

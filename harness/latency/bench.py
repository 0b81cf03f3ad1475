"""Measure how long the systems of a run make a listener wait: alone, beside each other, and when interrupted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from streamflow.errors import StreamflowError

from ..corpus import did_you_mean, load_corpus
from ..experiment import Experiment, load_experiment
from ..failures import Failure, FailureLog, raise_if_disk_full
from ..inputs import FrontEnd
from ..jobs.progress import tell
from ..provenance import code_sha256, hardware, torch_version
from ..render import render
from ..run import Run, RunError, RunFolder
from ..storage import key_of, locked, read_json, write_json
from ..systems import LoadedSystem, load_system
from .bench_tables import FOLDER, LatencyError, table_of, write_table
from .measuring import measure_alone, measure_interrupt, measure_together
from .plan import Cell, Settings, plan
from .playout_table import playout_rows
from .records import Records
from .speech import LongSpeech, long_speech

WARM_UP_S = 2.0  # enough for every strategy's window to fill once


@dataclass(frozen=True, slots=True)
class Benched:
    """What a start of a bench did: cells measured now, cells that were there, what failed."""

    path: Path
    measured: int
    kept: int
    failures: list[Failure]


def bench(
    run: str | Path,
    settings: Settings | None = None,
    *,
    systems: Sequence[str] | None = None,
    front_end: FrontEnd | None = None,
    console: Console | None = None,
) -> Benched:
    """Measure the systems of a run and add ``bench/`` to it, or what is missing of it.

    All in this process, in the order of :func:`harness.latency.plan.plan`. Each cell is kept when it is done; a cell
    that failed is tried again at the next start, and those of another machine, number of threads, code or checkpoint
    are measured anew.

    Args:
        run: a run's folder; its experiment says which systems, checkpoint and corpus.
        settings: what to measure.
        systems: only these of the run.
        front_end: tokenizer and speaker encoder; None for the run's checkpoint.
        console: where progress goes; None for nowhere.

    Raises:
        StreamflowError: no run, an unknown system, weights other than the run's, another process writes the run, or
            the disk is full.
        KeyboardInterrupt: all that was finished is kept, and is in the tables.
    """
    settings = settings or Settings()
    work = _Work(Path(run), _experiment(Path(run)), settings, front_end, console)
    work.choose(systems)
    try:
        with locked(Path(run)), _threads(settings.threads):
            return work.carry_out()
    except OSError as error:
        raise_if_disk_full(error)
        raise


def _experiment(run: Path) -> Experiment:
    table = Run(run).experiment
    if "systems" not in table or "rendered" in table:
        raise LatencyError(f"{run}: its audio was rendered elsewhere; latency needs decoders, see `streamflow compare`")
    return load_experiment(run / "run.toml")


@contextlib.contextmanager
def _threads(count: int | None):
    """Give torch so many threads meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Work:
    """One start of a bench."""

    run: Path
    experiment: Experiment
    settings: Settings
    front_end: FrontEnd | None
    console: Console | None
    failures: FailureLog = field(default_factory=FailureLog)
    systems: dict[str, LoadedSystem] = field(default_factory=dict)
    work_s: dict[str, dict[float, float]] = field(default_factory=dict)
    warm: set[str] = field(default_factory=set)
    measured: int = 0
    kept: int = 0

    def choose(self, names: Sequence[str] | None) -> None:
        """Keep to some systems of the run; cheap, before weights are loaded."""
        known = [spec.name for spec in self.experiment.systems]
        for name in names or ():
            if name not in known:
                raise LatencyError(f"system {name!r} is not in the run{did_you_mean(name, known)}; it has {known}")
        self.specs = [spec for spec in self.experiment.systems if not names or spec.name in names]

    def carry_out(self) -> Benched:
        self._load()
        cells = list(plan(list(self.systems), self.settings))
        try:
            with self._progress() as progress:
                bar = progress.add_task("latency", total=sum(cell.length_s * cell.streams for cell in cells))
                for cell in cells:
                    progress.update(bar, description=f"{cell.kind} {cell.system} {cell.length_s:g} s")
                    progress.refresh()
                    task = progress.tasks[bar]
                    tell("latency", task.completed, task.total, task.description)
                    self._cell(cell)
                    progress.update(bar, advance=cell.length_s * cell.streams)
        except BaseException:
            with contextlib.suppress(OSError, StreamflowError):  # the first error is the one to tell of
                self._write()
            raise
        self._write()
        return Benched(self.run / FOLDER, self.measured, self.kept, self.failures.rows)

    def _load(self) -> None:
        if self.front_end is None:
            from streamflow.checkpoints import load_bundle

            self.front_end = load_bundle(self.experiment.checkpoint, device=self.experiment.device)
        made_with = Run(self.run).provenance.get("checkpoint", {}).get("sha256")
        if made_with and made_with != dict(self.front_end.hashes):
            raise RunError(f"{self.run}: was made with other weights than {self.experiment.checkpoint!r} holds now; "
                           "give the `streamflow compare` command again first")  # fmt: skip
        self.systems = {spec.name: load_system(spec, self.front_end) for spec in self.specs}
        corpus = load_corpus(self.experiment.corpus, split=self.experiment.split, limit=self.experiment.limit)
        longest = max(*self.settings.lengths_s, self.settings.stream_length_s, WARM_UP_S)
        self.speech: LongSpeech = long_speech(corpus, self.front_end, RunFolder(self.run), longest)
        self.settings = self.settings.at(self.speech.tokens_per_second)
        self.machine = hardware()
        self.records = Records(self.run, self._environment(), self._keys())

    def _environment(self) -> dict[str, Any]:
        """What makes times comparable."""
        same = {name: self.machine[name] for name in ("cpu", "cores", "torch_threads", "accelerator")}
        recordings = key_of(Run(self.run).provenance.get("audio_sha256"))
        weights = dict(self.front_end.hashes)
        return same | {"code": code_sha256(), "torch": torch_version(), "checkpoint": weights, "recordings": recordings}

    def _keys(self) -> dict[str, str]:
        """By system, in the order of the run: of those measured now, and of those that an earlier start measured."""
        before = read_json(self.run / FOLDER / "bench.json") or {}
        same = before.get("environment") == key_of(self._environment())
        earlier = {name: about["key"] for name, about in before.get("systems", {}).items()} if same else {}
        now = {name: key_of(system.description) for name, system in self.systems.items()}
        order = [spec.name for spec in self.experiment.systems]
        return {name: (earlier | now)[name] for name in order if name in earlier | now}

    # measuring

    def _cell(self, cell: Cell) -> None:
        """Measure a cell unless it is there."""
        rate = self.settings.tokens_per_second if cell.kind == "together" else None
        key = self.records.key(cell, self.speech.identity(cell.length_s), rate)
        record = self.records.read(cell, key)
        if record is None:
            what = f"{cell.kind}, {cell.length_s:g} s, {cell.streams} streams, repeat {cell.repeat}"
            with self.failures.catch(cell.system, what, "decode") as attempt:
                record = self._measure(cell)
            if attempt.failed:
                return
            self.records.write(cell, key, record | ({} if rate is None else {"tokens_per_second": rate}))
            self.measured += 1
        else:
            self.kept += 1
        if cell.kind == "alone":
            self.work_s.setdefault(cell.system, {})[cell.length_s] = record["sessions"][0]["work_s"]

    def _measure(self, cell: Cell) -> dict[str, Any]:
        """A cell's rows by table.

        Raises:
            LatencyError: it would take too long, or killed the process before.
            Exception: whatever the session raises.
        """
        self._refuse_endless(cell)
        system, request = self.systems[cell.system], self.speech.request
        with self.records.measuring(cell):
            self._warm_up(system)
            if cell.kind == "alone":
                tables = measure_alone(cell, system.open, request(cell.length_s))
            elif cell.kind == "together":
                requests = [request(cell.length_s, seed) for seed in range(cell.streams)]
                tables = measure_together(cell, system.open, requests, self.settings.tokens_per_second)
            else:
                work_s = self.work_s.get(cell.system, {}).get(cell.length_s)
                tables = measure_interrupt(cell, system.open, request(cell.length_s), work_s)
        order = self.records.next_order()
        for name in ("sessions", "interrupts"):
            tables[name] = [row | {"order": order} for row in tables.get(name, ())]
        return tables

    def _refuse_endless(self, cell: Cell) -> None:
        """Attention over a whole utterance grows with the square of its length."""
        shorter = {s: work for s, work in self.work_s.get(cell.system, {}).items() if s <= cell.length_s}
        if not shorter:
            return
        longest = max(shorter)
        guess, limit = shorter[longest] * (cell.length_s / longest) ** 2, self.settings.session_limit_s
        if guess > limit:
            raise LatencyError(
                f"skipped: might work {guess:.0f} s, the limit is {limit:g} s; give --session-limit to wait"
            )

    def _warm_up(self, system: LoadedSystem) -> None:
        """Decode a little once, unrecorded, so that lazy initialisation is not taken for latency."""
        if system.name not in self.warm:
            self.warm.add(system.name)
            render(system.name, system.open, self.speech.request(WARM_UP_S))

    # writing

    def _write(self) -> None:
        tables = self.records.tables(self.settings.tokens_per_second)
        tables["playout"] = list(playout_rows(table_of("chunks", tables["chunks"]), self.settings))
        for name, rows in tables.items():
            write_table(self.run, name, rows)
        self._write_settings()

    def _write_settings(self) -> None:
        """``bench.json``; last, because it says that the tables are there."""
        about = {name: {"key": key} for name, key in self.records.systems.items()}
        before = (read_json(self.run / FOLDER / "bench.json") or {}).get("systems", {})
        for name, system in self.systems.items():
            about[name]["algorithmic_latency_s"] = system.algorithmic_latency_s
        about = {name: before.get(name, {}) | facts for name, facts in about.items()}
        content = {
            "machine": self.machine,
            "load_average": os.getloadavg(),
            "settings": self.settings.table(),
            "environment": key_of(self._environment()),
            "identity": key_of([self._environment(), dict(self.records.systems)]),
            "systems": about,
            "failures": [{"system": f.system, "what": f.utterance, "error": f.error} for f in self.failures.rows],
        }
        write_json(self.run / FOLDER / "bench.json", content)

    def _progress(self) -> Progress:
        """Bars that are drawn between cells only: a thread that draws would be timed with them."""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        return Progress(*columns, console=self.console, auto_refresh=False, disable=self.console is None)

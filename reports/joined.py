"""Several runs of one corpus read as one: their systems side by side on the utterances that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.run import Run, RunError, RunFolder
from harness.storage import sha256_of_file
from reports.formatting import count, join

EVERY_SYSTEM = "*"  # in failures: what kept every system of its run from an utterance


def open_runs(paths: str | Path | Sequence[str | Path]) -> Run | JoinedRuns:
    """A run, or several as one.

    Raises:
        RunError: a folder is not a run, none is given, or the runs have nothing in common.
    """
    if isinstance(paths, str | Path):
        return Run(paths)
    runs = [Run(path) for path in paths]
    if not runs:
        raise RunError("no run given; name at least one folder")
    return runs[0] if len(runs) == 1 else JoinedRuns(runs)


class JoinedRuns:
    """What :class:`harness.run.Run` reads, of several runs.

    A system keeps its name unless another run has one of the same: then each is ``RUN:SYSTEM``. Utterances are those
    that every run holds with the same reference recording, byte by byte; ``notes`` says what that leaves out.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = list(runs)
        self.names = _run_names(self.runs)
        self.origin: dict[str, tuple[Run, str]] = {}
        every = [system for run in self.runs for system in run.systems]
        for run, name in zip(self.runs, self.names, strict=True):
            for system in run.systems:
                self.origin[f"{name}:{system}" if every.count(system) > 1 else system] = (run, system)
        self.notes: list[str] = []
        self.utterances = self._common()

    @property
    def path(self) -> Path:
        """The first run's folder: where a report lies unless it is told otherwise."""
        return self.runs[0].path

    @property
    def name(self) -> str:
        return " and ".join(self.names) if len(self.names) == 2 else ", ".join(self.names)

    @property
    def systems(self) -> list[str]:
        return list(self.origin)

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """What the experiments agree in, all systems, and each whole under ``runs``."""
        systems = {name: run.experiment["systems"][system] for name, (run, system) in self.origin.items()}
        return _agreeing([run.experiment for run in self.runs], self.names) | {"systems": systems}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the runs agree in, all systems as they describe themselves, and each whole under ``runs``."""
        described = {name: (run.provenance.get("systems") or {}).get(own) for name, (run, own) in self.origin.items()}
        systems = {name: one for name, one in described.items() if one}
        return _agreeing([run.provenance for run in self.runs], self.names) | {"systems": systems}

    def traces(self) -> pd.DataFrame:
        return self._joined("traces")

    def scores(self) -> pd.DataFrame:
        return self._joined("scores")

    def seams(self) -> pd.DataFrame:
        return self._joined("seams")

    def latency(self) -> pd.DataFrame:
        return self._joined("latency")

    def failures(self) -> pd.DataFrame:
        return self._joined("failures")

    def profiles(self) -> pd.DataFrame:
        return self._joined("profiles")

    def jumps(self) -> pd.DataFrame:
        return self._joined("jumps")

    def audio(self, system: str, utterance: str, seed: int | None = None) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz."""
        run, name = self.origin[system]
        return run.audio(name, utterance) if seed is None else run.audio(name, utterance, seed)

    def reference(self, utterance: str) -> np.ndarray:
        """float32 ``[n]`` at 16 kHz: the recording, the same in every run."""
        return self.runs[0].reference(utterance)

    def audio_path(self, system: str | None, utterance: str) -> Path:
        """Where a rendering lies, or the reference for None."""
        if system is None:
            return RunFolder(self.runs[0].path).reference(utterance)
        run, name = self.origin[system]
        return RunFolder(run.path).audio(name, utterance)

    def _joined(self, table: str) -> pd.DataFrame:
        kept = {utterance["utterance_id"] for utterance in self.utterances}
        parts = []
        for run in self.runs:
            rows = getattr(run, table)()
            names = {system: name for name, (owner, system) in self.origin.items() if owner is run}
            for all_of_run in [rows["system"] == EVERY_SYSTEM] if table == "failures" else []:
                lost = rows[all_of_run]
                rows = pd.concat([rows[~all_of_run], *(lost.assign(system=system) for system in names)])
            rows = rows[rows["utterance"].isin(kept) & rows["system"].isin(names)]
            parts.append(rows.assign(system=rows["system"].map(names)))
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]

    def _common(self) -> list[dict[str, Any]]:
        held = [{u["utterance_id"]: u for u in run.utterances} for run in self.runs]
        shared = [name for name in held[0] if all(name in others for others in held[1:])]
        alike = [name for name in shared if len({self._digest(run, name) for run in self.runs}) == 1]
        if not alike:
            raise RunError(
                f"{join(str(run.path) for run in self.runs)} have no utterance in common (same id, same reference "
                "recording); give runs of one corpus"
            )
        every = len(dict.fromkeys(name for utterances in held for name in utterances))
        if len(alike) < every:
            told = [f"{name} holds {len(utterances)}" for name, utterances in zip(self.names, held, strict=True)]
            other = len(shared) - len(alike)
            differing = f"; {count(other, 'reference recording')} differ between the runs" if other else ""
            self.notes.append(
                f"The runs have {count(len(alike), 'utterance')} in common, and those alone are compared "
                f"({', '.join(told)}{differing})."
            )
        return [held[0][name] for name in alike]

    @staticmethod
    def _digest(run: Run, utterance: str) -> str:
        path = RunFolder(run.path).reference(utterance)
        return str(sha256_of_file(path)) if path.is_file() else ""


def _run_names(runs: Sequence[Run]) -> list[str]:
    """Folder names, with as many of the folders above as tell them apart."""
    parts = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise RunError(f"{runs[0].path} is given twice; name each run once")


def _agreeing(records: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    first, *rest = records
    same = {key: value for key, value in first.items() if all(key in r and r[key] == value for r in rest)}
    return same | {"runs": dict(zip(names, records, strict=True))}

"""Evaluate audio that was made anywhere: folders of files become a run, scored and reported like any other."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from . import toml
from .compare import RENDERED, Outcome, guarded, progress_bars, score_with_progress
from .experiment import chosen_metrics
from .finished import is_finished, mark_finished, rendered_key
from .metrics import get_metric
from .provenance import provenance
from .rendered import Imported, description, import_rendered
from .run import RunFolder
from .scored_run import ScoredRun
from .scoring import TIME_LIMIT_S
from .storage import read_json, remove_partials, write_bytes, write_json


@dataclass(frozen=True, kw_only=True)
class RenderedFiles:
    """What is to be scored.

    Attributes:
        reference: folder of the recordings.
        systems: folder by name, in the order of the report.
        manifest: CSV with speakers and texts, or None.
        loudness: LUFS that everything is brought to, references included; None to keep levels as they are.
        seam_periods: seconds between seams by system, of those without sidecar files.
        split: only this split of the manifest.
        limit: only the first so many utterances.
        metrics: names, see :func:`harness.experiment.chosen_metrics`.
        metric_options: parameters by metric name.
    """

    reference: Path
    systems: Mapping[str, Path]
    manifest: Path | None = None
    loudness: float | None = None
    seam_periods: Mapping[str, float] = field(default_factory=dict)
    split: str | None = None
    limit: int | None = None
    metrics: tuple[str, ...] = field(default_factory=lambda: chosen_metrics(None, {}))
    metric_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def score(
    files: RenderedFiles,
    out: str | Path,
    *,
    jobs: int | None = None,
    limit_s: float = TIME_LIMIT_S,
    console: Console | None = None,
    command: list[str] | None = None,
) -> tuple[Outcome, list[str]]:
    """Score folders of files into a run, or what is missing of it.

    Args:
        files: what.
        out: the run's folder; new, empty, or a run.
        jobs: processes; None to choose.
        limit_s: seconds that one metric may take for one rendering.
        console: where progress goes; None for nowhere.
        command: as typed, for the provenance.

    Returns:
        What was done, and what was ignored in the folders, a line each.

    Raises:
        StreamflowError: a folder, the manifest or a metric cannot be used, nothing is in common, or the disk is full.
        KeyboardInterrupt: all that was finished is kept.
    """
    for name in files.metrics:  # a mistyped name does not wait for files
        get_metric(name, files.metric_options.get(name))
    with guarded(Path(out), RENDERED):
        return _score(files, RunFolder(Path(out)), jobs, limit_s, console, command)


def _score(
    files: RenderedFiles, folder: RunFolder, jobs: int | None, limit_s: float, console: Console | None, command: Any
) -> tuple[Outcome, list[str]]:
    remove_partials(folder.path)
    with progress_bars(console) as progress:
        imported = import_rendered(
            files.reference,
            files.systems,
            folder,
            manifest=files.manifest,
            loudness=files.loudness,
            seam_periods=files.seam_periods,
            split=files.split,
            limit=files.limit,
            progress=progress,
            jobs=jobs,
        )
        scores = ScoredRun(
            folder=folder,
            utterances=imported.utterances,
            systems=list(files.systems),
            metrics=files.metrics,
            parameters=files.metric_options,
            renderings=imported.renderings,
            failures=list(imported.failures),
        )
        table = _table(files, imported)
        key = rendered_key(table, {name: metric.identity for name, metric in scores.chosen.items()})
        if is_finished(folder, key) is not None:
            return Outcome(folder.path, 0, len(scores.renderings), 0, scores.failures), imported.notes
        with scores:
            _write_head(folder, table, imported, scores, command)
            score_with_progress(scores, progress, jobs, limit_s)
    if scores.complete:
        mark_finished(folder, key, scores.renderings.values())
    return Outcome(
        folder.path, 0, len(scores.renderings), scores.scored, scores.failures, scores.wanting
    ), imported.notes


def _table(files: RenderedFiles, imported: Imported) -> dict[str, Any]:
    """As ``run.toml`` holds it."""
    folders = {name: Path(path).resolve() for name, path in files.systems.items()}
    return {
        "metrics": list(files.metrics),
        "seeds": [0],
        "metric": {name: dict(options) for name, options in files.metric_options.items()} or None,
        "rendered": description(
            files.reference.resolve(),
            folders,
            imported,
            manifest=files.manifest.resolve() if files.manifest else None,
            loudness=files.loudness,
            seam_periods=files.seam_periods,
        ),
        "systems": {name: {"folder": str(path)} for name, path in folders.items()},
    }


def _write_head(
    folder: RunFolder,
    table: Mapping[str, Any],
    imported: Imported,
    scores: ScoredRun,
    command: Sequence[str] | None,
) -> None:
    """What makes the folder a run."""
    write_bytes(folder.path / "run.toml", toml.dumps(table).encode())
    write_json(folder.path / "utterances.json", [utterance.row() for utterance in imported.utterances])
    before = read_json(folder.path / "provenance.json")
    write_json(
        folder.path / "provenance.json",
        provenance(
            checkpoint="",
            hashes={},
            audio=imported.reference_sha256,
            metrics={name: metric.identity for name, metric in scores.chosen.items()},
            systems=table["systems"],
            command=list(command) if command else sys.argv,
            before=before if isinstance(before, dict) else None,
        ),
    )

"""What tells, without loading any weights, that a run is finished and nothing that it depends on has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import streamflow

from .corpus import Corpus
from .experiment import Experiment
from .provenance import code_sha256, torch_version
from .run import COLUMNS, RunFolder
from .scored_run import Kept
from .scoring import seams_identity
from .storage import key_of, read_json, stamp, write_json
from .systems import load_system


def finished_key(
    experiment: Experiment, corpus: Corpus, metrics: Mapping[str, str], front_end: Mapping[str, str] | None
) -> str:
    """The hash of all that a run comes from; files by size and time of change, as ``make`` does.

    Args:
        experiment: what to do.
        corpus: as loaded.
        metrics: identity by name.
        front_end: hashes of a front end that was given; None for the checkpoint's.
    """
    files = [p for u in corpus.utterances for p in (u.path, u.prompt_path, u.tokens_path) if p is not None]
    return key_of(
        {
            "experiment": experiment.table(),
            "systems": {s.name: load_system(s, None).description for s in experiment.systems if s.object},
            "utterances": [[u.utterance_id, u.speaker_id, u.text, u.voice] for u in corpus.utterances],
            "recordings": [[str(path), stamp(path)] for path in files],
            "weights": _weights(experiment.checkpoint) if front_end is None else dict(front_end),
            "code": code_sha256(),
            "torch": torch_version(),
            "metrics": dict(metrics),
            "seams": seams_identity(),
        }
    )


def rendered_key(description: Mapping[str, Any], metrics: Mapping[str, str]) -> str:
    """The same of a run of rendered files, whose description holds the hashes of all files."""
    return key_of([dict(description), dict(metrics), seams_identity()])


def _weights(checkpoint: str) -> list[Any]:
    folder = Path(checkpoint)
    if not (folder / "bundle.json").exists():
        folder = Path(str(streamflow.__file__)).with_name("pretrained") / checkpoint
    return [[path.name, stamp(path)] for path in sorted(folder.glob("*"))]


def mark_finished(folder: RunFolder, key: str, renderings: Collection[Kept]) -> None:
    """Note that a run is finished, and what its files look like."""
    references = {folder.reference(kept.utterance) for kept in renderings}
    write_json(folder.finished, {"key": key, "files": _files(folder, [*references, *(k.audio for k in renderings)])})


def is_finished(folder: RunFolder, key: str) -> int | None:
    """How many renderings a run holds, if it is finished, of the same origin, and no file of it was touched."""
    noted = read_json(folder.finished)
    if not isinstance(noted, dict) or noted.get("key") != key:
        return None
    kept = [folder.path / name for name in noted["files"] if name.startswith("audio/")]
    references = folder.reference("any").parent
    renderings = [path for path in kept if path.parent != references]
    return len(renderings) if _files(folder, kept) == noted["files"] else None


def report_key(run: Path) -> str:
    """The hash of what a report is made from: the run's tables, bench and listening tests, and the code of reports."""
    root = Path(__file__).parents[1]
    code = [path for folder in ("reports", "harness") for path in sorted((root / folder).rglob("*.*"))]
    content = [path for path in sorted(run.glob("*.*")) if path.is_file() and not path.name.startswith(".")]
    beside = [path for folder in ("bench", "listening") for path in sorted((run / folder).rglob("*.*"))]
    return key_of([[str(path), stamp(path)] for path in [*code, *content, *beside] if path.suffix != ".pyc"])


def _files(folder: RunFolder, audio: Iterable[Path]) -> dict[str, Any]:
    tables = [folder.path / f"{name}.parquet" for name in COLUMNS]
    heads = [folder.path / name for name in ("run.toml", "utterances.json", "provenance.json")]
    return {str(path.relative_to(folder.path)): stamp(path) for path in [*heads, *tables, *audio]}

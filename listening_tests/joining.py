"""A study's results beside the run that was listened to, where the run's own report shows them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from harness.run import Run, RunError, RunFolder
from harness.storage import read_json, write_json

from .analysis.analyse import Analysis

FORMAT = 1  # raised when a reader of an older file would misread a newer one
STUDY = ("title", "protocol", "systems", "simulated")
FACTS = ("opened", "hash")
TABLES = (
    "estimates", "differences", "exclusions", "before_after", "abx", "same_different", "abilities", "preferences",
    "quartiles", "friedman", "seams", "agreement", "correlations",
)  # fmt: skip
"""What goes into a run, which is passed on more freely than a study: sums over listeners, named here one by one, so that a
table added to the analysis stays out until somebody has thought of it. Left out are everything with a row a listener, means
of single recordings (in a small study those are one person's answers), completion codes, contacts and paths."""

log = logging.getLogger(__name__)


def join_run(analysis: Analysis, study_id: str, run: Run | None) -> Path | None:
    """Write ``RUN/listening/STUDY.json`` and return where it is.

    None, and nothing written, for simulated listeners (their numbers say nothing of the systems), for a run that has none of
    the study's systems, and, with a warning, for a run that cannot be written: the study's own report stands without it.
    """
    if run is None or analysis.study["simulated"]:
        return None
    try:
        if not set(analysis.study["systems"]) & set(run.systems):
            return None
        content = shared_content(analysis)
        path = _place(RunFolder(run.path).listening, study_id, str(content["facts"]["hash"]))
        write_json(path, content)
    except (OSError, RunError) as error:
        log.warning("the results were not put into the run %s: %s", run.path, error)
        return None
    return path


def shared_content(analysis: Analysis) -> dict[str, Any]:
    """What the file holds: no listener, nothing that leads to one."""
    content = analysis.content()
    return {
        "format": FORMAT,
        "study": {key: content["study"][key] for key in STUDY},
        "facts": {key: content["facts"].get(key, "") for key in FACTS},
        "claim": content["claim"],
        "counts": content["counts"],
        **{key: content[key] for key in TABLES},
    }


def _place(folder: Path, study_id: str, identity: str) -> Path:
    """The study's file; another study of the same folder name keeps its own."""
    path = folder / f"{study_id}.json"
    there = read_json(path)
    facts = there.get("facts") if isinstance(there, dict) else None
    other = str(facts.get("hash", "")) if isinstance(facts, dict) else ""
    return folder / f"{study_id}-{identity[:8]}.json" if other and other != identity else path

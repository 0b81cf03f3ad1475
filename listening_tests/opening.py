"""Opening a study: from then on its file and its sounds may not change, and its rules are older than its ratings."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.storage import key_of, read_json, write_json

from .design.assignment import check_design
from .errors import StudyError
from .stimuli.stimulus_set import StimulusSet
from .store import Store
from .study import Study, load_study

FROZEN = "frozen.json"
DATABASE = "ratings.sqlite"
DATABASE_VARIABLE = "STREAMFLOW_DATABASE"  # environment


@dataclass(frozen=True)
class OpenStudy:
    """A frozen study with its sounds and its store.

    Attributes:
        study_id: the folder's name; never shown to listeners.
        token: public, in the listeners' link.
        identity: hash of the study file and of all sounds.
    """

    study_id: str
    study: Study
    stimuli: StimulusSet
    store: Store
    token: str
    identity: str
    folder: Path

    @property
    def state(self) -> str:
        """``open`` or ``closed``, as the database says at this moment."""
        row = self.store.study(self.study_id)
        return "closed" if row is None else row.state


def open_study(folder: str | Path, database: str | None = None) -> OpenStudy:
    """Freeze a study (``frozen.json`` and a row in the database) and let listeners in; a closed one opens again.

    Args:
        folder: with ``study.toml`` and ``stimuli.json``.
        database: SQLAlchemy URL; None for ``STREAMFLOW_DATABASE``, else ``ratings.sqlite`` in the folder.

    Raises:
        StudyError: not a study, a design that its sounds do not allow, or a study that has changed since it was frozen.
    """
    folder = Path(folder)
    study, stimuli, frozen = _read(folder)
    check_design(study, stimuli)
    kept = read_json(folder / FROZEN)
    if kept is None:
        if (folder / FROZEN).exists():
            raise StudyError(f"{folder / FROZEN}: not readable; copy it back from a backup")
        write_json(folder / FROZEN, {**frozen, "opened_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
    else:
        frozen = _check_unchanged(folder, study, kept, frozen)
    opened = _connect(folder, study, stimuli, frozen, database)
    opened.store.set_state(opened.study_id, "open")
    return opened


def close_study(folder: str | Path, database: str | None = None) -> OpenStudy:
    """Let nobody new in; sessions under way may go on to their end.

    Raises:
        StudyError: it was never opened, or it has changed since.
    """
    opened = load_open_study(folder, database)
    opened.store.set_state(opened.study_id, "closed")
    return opened


def load_open_study(folder: str | Path, database: str | None = None) -> OpenStudy:
    """A study that was opened before, whether listeners may start now or not.

    Raises:
        StudyError: it was never opened, or its file or a sound has changed since.
    """
    folder = Path(folder)
    study, stimuli, frozen = _read(folder)
    kept = read_json(folder / FROZEN)
    if kept is None:
        raise StudyError(f"{folder}: has not been opened; open it with `streamflow study open {folder}`")
    frozen = _check_unchanged(folder, study, kept, frozen)
    return _connect(folder, study, stimuli, frozen, database)


def _read(folder: Path) -> tuple[Study, StimulusSet, dict[str, Any]]:
    """The study as it lies there now, with every sound's bytes checked, and what freezing it would write."""
    study, stimuli = load_study(folder), StimulusSet(folder)
    stimuli.verify()
    frozen = {
        "study": study.hash(),
        "table": study.table(),
        "stimuli_digest": stimuli.digest(),
        "stimuli": {stimulus_id: stimulus.sha256 for stimulus_id, stimulus in stimuli.stimuli.items()},
    }
    return study, stimuli, frozen


def _check_unchanged(folder: Path, study: Study, kept: Any, frozen: dict[str, Any]) -> dict[str, Any]:
    """What was frozen, if it is still that; its hash stays the study's even where a newer version would make another."""
    remedy = f"put back what was frozen, or copy the folder to a new name without {FROZEN} and open that"
    kept = kept if isinstance(kept, dict) else {}
    same = {"study.toml": _is_same(study, kept), "stimuli.json": kept.get("stimuli_digest") == frozen["stimuli_digest"]}
    for name, unchanged in same.items():
        if not unchanged:
            raise StudyError(f"{folder / name}: has changed since the study was opened; {remedy}")
    return {**frozen, "study": kept["study"]}


def _is_same(study: Study, kept: Mapping[str, Any]) -> bool:
    """Whether the file says what was frozen. Both are read by today's code, as a newer version may know more keys: they
    have their defaults in both, or one of the two was changed.
    """
    if kept.get("study") == study.hash():
        return True
    try:
        return bool(kept.get("study")) and Study.from_table(kept["table"]).hash() == study.hash()
    except (
        KeyError,
        TypeError,
        AttributeError,
        StudyError,
    ):  # frozen by a version that kept the hash alone, or damaged
        return False


def _connect(
    folder: Path, study: Study, stimuli: StimulusSet, frozen: dict[str, Any], database: str | None
) -> OpenStudy:
    study_id = folder.resolve().name
    identity = key_of({"study": frozen["study"], "stimuli": frozen["stimuli_digest"]})
    database = database or os.environ.get(DATABASE_VARIABLE)
    if database and "://" not in database:  # a slip of the pen must not become a file of that name
        raise StudyError(
            f"--database {database} is not a URL; write sqlite:///file or postgresql+pg8000://user@host/name"
        )
    store = Store.open(database or folder / DATABASE)
    try:
        token = store.add_study(study_id, identity, frozen)
    except BaseException:
        store.close()
        raise
    return OpenStudy(study_id, study, stimuli, store, token, identity, folder)

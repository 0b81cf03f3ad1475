"""From a draft to a study that listeners take: frozen, with a store and a public token."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.storage import key_of, read_json, write_json

from .errors import StudyError
from .protocols import get_protocol
from .stimuli.stimulus_set import StimulusSet
from .store.store import Store
from .study import Study, load_study

FROZEN = "frozen.json"


@dataclass(frozen=True, slots=True)
class OpenStudy:
    """A study that was opened, with what serves it.

    Attributes:
        study_id: in the store: the folder's name and the identity's first digits, so that databases can be shared.
        identity: hash of the study file and of all stimuli.
        token: public, in the listeners' link.
    """

    folder: Path
    study_id: str
    identity: str
    study: Study
    stimuli: StimulusSet
    store: Store
    token: str

    @property
    def state(self) -> str:
        """``open`` or ``closed``, as the store has it now."""
        return self.store.study(self.study_id).state

    @property
    def secret(self) -> bytes:
        """Key of tokens and codes."""
        return self.store.secret(self.study_id)


def database_url(folder: Path, database: str | None) -> str:
    """The URL given, or a file beside the study."""
    return database or f"sqlite:///{(folder / 'ratings.sqlite').resolve()}"


def open_study(folder: str | Path, database: str | None = None) -> OpenStudy:
    """Freeze a study, or open a closed one again, and let listeners in.

    Raises:
        StudyError: it cannot be planned, or it has changed since it was frozen.
    """
    folder = Path(folder)
    study, stimuli = load_study(folder), StimulusSet(folder)
    stimuli.verify()
    _plan_every_slot(study, stimuli)
    identity = key_of({"study": study.table(), "stimuli": stimuli.digest()})
    frozen = read_json(folder / FROZEN)
    if frozen is None:
        frozen = {
            "identity": identity, "study": study.hash(), "stimuli": stimuli.digest(), "opened_at": time.time(),
            "study_id": f"{folder.resolve().name}-{identity[:8]}",
        }  # fmt: skip
        write_json(folder / FROZEN, frozen)
    _check_unchanged(folder, identity, frozen)
    store = Store.open(database_url(folder, database))
    token = store.add_study(frozen["study_id"], identity, frozen)
    store.set_state(frozen["study_id"], "open")
    return OpenStudy(folder, frozen["study_id"], identity, study, stimuli, store, token)


def load_open_study(folder: str | Path, database: str | None = None) -> OpenStudy:
    """A study that was opened before, as it was frozen.

    Raises:
        StudyError: it was not opened, or it has changed since.
    """
    folder = Path(folder)
    study, frozen = load_study(folder), read_json(folder / FROZEN)
    if frozen is None:
        raise StudyError(f"{folder}: has not been opened; streamflow study open {folder}")
    stimuli = StimulusSet(folder)
    identity = key_of({"study": study.table(), "stimuli": stimuli.digest()})
    _check_unchanged(folder, identity, frozen)
    store = Store.open(database_url(folder, database))
    token = store.add_study(frozen["study_id"], identity, frozen)
    return OpenStudy(folder, frozen["study_id"], identity, study, stimuli, store, token)


def close_study(folder: str | Path, database: str | None = None) -> None:
    """Let no more listeners in."""
    opened = load_open_study(folder, database)
    opened.store.set_state(opened.study_id, "closed")


def _check_unchanged(folder: Path, identity: str, frozen: dict[str, Any]) -> None:
    if frozen.get("identity") != identity:
        raise StudyError(
            f"{folder}: study.toml or the stimuli changed after the study was frozen; put them back, or make a new study"
        )


def _plan_every_slot(study: Study, stimuli: StimulusSet) -> None:
    """A study that cannot be planned must not open: the listener would find out."""
    from .design.session_plan import plan_session

    get_protocol(study.protocol)
    for slot in range(study.design.listeners):
        plan_session(study, stimuli, slot, "trial run")

"""Studies that were opened, their public tokens and secrets, and what administrators did."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from ..errors import StudyError
from .keys import new_id
from .rows import StudyRow
from .schema import audit, studies

STUDY_STATES = ("open", "closed")


def add_study(connection: Connection, study_id: str, study_hash: str, frozen: Mapping[str, Any]) -> str:
    """The token of a new study, or of the same one opened before."""
    known = connection.execute(select(studies).where(studies.c.study_id == study_id)).first()
    if known is not None:
        if known.study_hash != study_hash:
            raise StudyError(
                f"study {study_id!r} was opened with other content; put back its study.toml and stimuli, "
                "or copy the folder to a new name"
            )
        return known.token
    token = new_id()
    connection.execute(
        studies.insert().values(
            study_id=study_id, token=token, study_hash=study_hash, frozen=dict(frozen), state="open",
            secret=secrets.token_bytes(32), created_at=time.time(),
        )
    )  # fmt: skip
    return token


def find_study(connection: Connection, **which: str) -> StudyRow | None:
    """The study with that ``study_id`` or ``token``."""
    kept = [studies.c[name] for name in ("study_id", "token", "study_hash", "frozen", "state", "created_at")]
    row = connection.execute(select(*kept).filter_by(**which)).first()
    return None if row is None else StudyRow(**row._mapping)


def lock_study(connection: Connection, study_id: str) -> Any:
    """The study's row; until the transaction ends nobody else takes one of its slots.

    SQLite needs no lock here: a writing transaction holds the whole file.
    """
    query = select(studies).where(studies.c.study_id == study_id).with_for_update(key_share=True)
    row = connection.execute(query).first()
    if row is None:
        raise StudyError(f"study {study_id!r} is not in the database; open it first")
    return row


def set_state(connection: Connection, study_id: str, state: str) -> None:
    """Open or close."""
    if state not in STUDY_STATES:
        raise StudyError(f"state = {state!r} is not known; give one of {', '.join(STUDY_STATES)}")
    if not connection.execute(studies.update().where(studies.c.study_id == study_id).values(state=state)).rowcount:
        raise StudyError(f"study {study_id!r} is not in the database; open it first")


def write_audit(
    connection: Connection, actor: str, action: str, study_id: str | None, detail: Mapping[str, Any], now: float
) -> None:
    """One line of the log."""
    connection.execute(
        audit.insert().values(at=now, actor=actor, study_id=study_id, action=action, detail=dict(detail))
    )


def read_audit(connection: Connection, study_id: str | None) -> list[dict[str, Any]]:
    """The log of one study or of all, oldest first."""
    query = select(audit).order_by(audit.c.entry_id)
    if study_id is not None:
        query = query.where(audit.c.study_id == study_id)
    return [dict(row._mapping) for row in connection.execute(query)]

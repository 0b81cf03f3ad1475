"""What listeners said about themselves, and who sent them: apart from ratings, deletable at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from .schema import personal, sessions

COMMENT = "comment"  # name of the comments step's text; free text may name people


def add_personal(connection: Connection, session_id: str, values: Mapping[str, Any]) -> None:
    """Keep ``values`` (JSON), a name replacing what it had before."""
    if not values:
        return
    names = personal.c.name.in_(list(values))
    connection.execute(delete(personal).where(personal.c.session_id == session_id, names))
    rows = [{"session_id": session_id, "name": name, "value": value} for name, value in values.items()]
    connection.execute(insert(personal), rows)


def split_answer(kind: str, answer: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what stays with the answers, what is personal) of an answer to a step of ``kind``."""
    if kind == "questions":
        replies = dict(answer.get("replies") or {})
        return {"replied": sorted(replies)}, replies
    if kind == "comments":
        text = str(answer.get("text", ""))
        return {"characters": len(text)}, {COMMENT: text} if text.strip() else {}
    return dict(answer), {}


def read_personal(connection: Connection, study_id: str) -> dict[str, dict[str, Any]]:
    """session_id -> name -> value."""
    query = (
        select(personal).join(sessions).where(sessions.c.study_id == study_id)
        .order_by(sessions.c.created_at, personal.c.session_id, personal.c.name)
    )  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.session_id, {})[row.name] = row.value
    return found


def delete_personal(connection: Connection, *, study_id: str | None = None, session_id: str | None = None) -> int:
    """Delete what is personal and the keyed hashes of Prolific and MTurk identifiers; how many entries there were.

    The ratings stay. Afterwards the same person could start again: close the study first.
    """
    which = sessions.c.study_id == study_id if session_id is None else sessions.c.session_id == session_id
    ids = select(sessions.c.session_id).where(which)
    deleted = connection.execute(delete(personal).where(personal.c.session_id.in_(ids))).rowcount
    connection.execute(update(sessions).where(which).values(resume_hash=None))
    return deleted

"""Sessions and their slots: who takes part, in which place of the design, and how it ends.

Locks are always taken in the order study, session, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ..errors import StudyError
from .errors import InvitationError, SessionOver, StudyClosed, StudyFull
from .invitations import use_invitation
from .keys import hash_of_key, hash_of_token, new_id, new_token
from .personal import add_personal
from .rows import SessionRow
from .schema import answers, invitations, personal, sessions, tokens
from .studies import lock_study

HOLDING = ("planning", "active")  # states in which a session holds a slot and may go on


def reserve(
    connection: Connection,
    study_id: str,
    *,
    slots: int,
    resume_key: str | None,
    invitation: str | None,
    participant: Mapping[str, Any],
    language: str,
    now: float,
    idle_before: float | None,
    invited_only: bool = False,
) -> SessionRow:
    """The session of ``resume_key`` with a fresh token, or a new one in the lowest free slot, still without steps."""
    study = lock_study(connection, study_id)
    resume_key = resume_key if resume_key is not None or invitation is None else f"invitation:{invitation}"
    resume_hash = None if resume_key is None else hash_of_key(study.secret, resume_key)
    if resume_hash is not None:
        known = _find(connection, sessions.c.study_id == study_id, sessions.c.resume_hash == resume_hash)
        if known is not None:
            return to_session(known, token=_add_token(connection, known.session_id, now))
    if invited_only and invitation is None:  # a participant's identifier in the link is no invitation
        raise InvitationError(f"study {study_id!r} needs an invitation; ask whoever runs it for one")
    if study.state != "open":
        raise StudyClosed(f"study {study_id!r} is closed and takes no new listeners")
    if idle_before is not None:
        return_idle(connection, idle_before, study_id)
    slot = _lowest_free(connection, study_id, slots)
    session_id = new_id()
    values = {
        "session_id": session_id, "study_id": study_id, "slot": slot, "holds_slot": True, "state": "planning",
        "resume_hash": resume_hash, "language": language, "position": 0, "steps": 0, "created_at": now, "seen_at": now,
    }  # fmt: skip
    connection.execute(insert(sessions).values(values))
    if invitation is not None:
        use_invitation(connection, study_id, invitation, session_id)
    add_personal(connection, session_id, participant)
    token = _add_token(connection, session_id, now)
    return SessionRow(session_id, study_id, slot, "planning", language, 0, 0, now, now, token=token, created=True)


def cancel(connection: Connection, session_id: str) -> None:
    """Take back a session that could not be planned, as if it had never been; its slot is free."""
    row = _find(connection, sessions.c.session_id == session_id, sessions.c.state == "planning")
    if row is None:  # another request of the same listener has planned it, or taken it back
        return
    unused = update(invitations).where(invitations.c.session_id == session_id).values(session_id=None)
    connection.execute(unused)
    connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


def session_of_token(connection: Connection, token: str) -> SessionRow | None:
    """The session whose listener has ``token``."""
    query = select(sessions).join(tokens).where(tokens.c.token_hash == hash_of_token(token))
    row = connection.execute(query).first()
    return None if row is None else to_session(row)


def sessions_of(connection: Connection, study_id: str) -> list[SessionRow]:
    """Every session of a study, oldest first."""
    query = select(sessions).where(sessions.c.study_id == study_id)
    rows = connection.execute(query.order_by(sessions.c.created_at, sessions.c.session_id))
    return [to_session(row) for row in rows]


def lock_session(connection: Connection, session_id: str) -> Row[Any]:
    """The session's row; until the transaction ends nobody else answers for it."""
    query = select(sessions).where(sessions.c.session_id == session_id).with_for_update(key_share=True)
    row = connection.execute(query).first()
    if row is None:
        raise StudyError(f"session {session_id!r} is not in the database; start the study again from its link")
    return row


def to_session(row: Row[Any], token: str | None = None) -> SessionRow:
    """From the table's row."""
    return SessionRow(
        row.session_id, row.study_id, row.slot, row.state, row.language, row.position, row.steps, row.created_at,
        row.seen_at, token=token,
    )  # fmt: skip


def reclaim(connection: Connection, session_id: str, now: float) -> None:
    """Give a session that was idle its slot again, if nobody has taken it.

    Raises:
        SessionOver: somebody has.
    """
    study_id = connection.scalar(select(sessions.c.study_id).where(sessions.c.session_id == session_id))
    lock_study(connection, study_id)
    row = lock_session(connection, session_id)
    if row.state != "returned":
        return
    if _find(connection, sessions.c.study_id == study_id, sessions.c.slot == row.slot, sessions.c.holds_slot):
        raise SessionOver("this session was idle for too long and its place was given to another listener")
    state = "active" if row.steps else "planning"
    _change(connection, session_id, state=state, holds_slot=True, seen_at=now)


def end(connection: Connection, session_id: str, state: str, now: float) -> None:
    """Finish or screen out: ``complete`` keeps the slot for good, anything else gives it back.

    Raises:
        SessionOver: it ended otherwise before.
        StudyError: to be completed with steps unanswered.
    """
    row = lock_session(connection, session_id)
    if row.state == state:
        return
    if state == "complete" and (row.steps == 0 or row.position < row.steps):
        raise StudyError(f"session {session_id!r} has answered {row.position} of {row.steps} steps; it is not complete")
    if row.state not in (*HOLDING, "returned"):
        raise SessionOver(f"the session is {row.state} already")
    _change(connection, session_id, state=state, holds_slot=state == "complete", ended_at=now)


def withdraw(connection: Connection, session_id: str, now: float, *, delete_answers: bool) -> None:
    """The listener takes part no longer. Without deletion, what a complete session gave still counts."""
    row = lock_session(connection, session_id)
    if delete_answers:
        connection.execute(delete(answers).where(answers.c.session_id == session_id))
        connection.execute(delete(personal).where(personal.c.session_id == session_id))
    elif row.state == "complete":
        return
    _change(connection, session_id, state="withdrawn", holds_slot=False, ended_at=row.ended_at or now)


def return_idle(connection: Connection, before: float, study_id: str | None = None) -> list[tuple[str, int]]:
    """Give back slots of sessions last seen before that moment: (study, slot) of each."""
    idle = [sessions.c.state.in_(HOLDING), sessions.c.seen_at < before]
    if study_id is not None:
        idle.append(sessions.c.study_id == study_id)
    given = update(sessions).where(*idle).values(state="returned", holds_slot=False)
    rows = connection.execute(given.returning(sessions.c.study_id, sessions.c.slot))
    return sorted((row.study_id, row.slot) for row in rows)


def _lowest_free(connection: Connection, study_id: str, slots: int) -> int:
    query = select(sessions.c.slot).where(sessions.c.study_id == study_id, sessions.c.holds_slot)
    held = set(connection.scalars(query))
    for slot in range(slots):
        if slot not in held:
            return slot
    raise StudyFull(f"study {study_id!r} has all its {slots} listeners; thank you, no more are needed")


def _add_token(connection: Connection, session_id: str, now: float) -> str:
    token = new_token()
    connection.execute(insert(tokens).values(token_hash=hash_of_token(token), session_id=session_id, created_at=now))
    return token


def _find(connection: Connection, *where: Any) -> Row[Any] | None:
    return connection.execute(select(sessions).where(*where)).first()


def _change(connection: Connection, session_id: str, **values: Any) -> None:
    connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(**values))

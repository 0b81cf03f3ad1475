"""The steps of a session and the answers to them, each exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from ..errors import AnswerError
from ..model import Step
from .errors import AlreadyAnswered, NotThisStep, SessionOver
from .keys import new_id
from .personal import add_personal, split_answer
from .rows import Recorded, StepRow
from .schema import answers, sessions, steps
from .sessions import HOLDING, lock_session

MAX_CLIENT_ID = 100  # characters; a UUID has 36


def add_steps(connection: Connection, session_id: str, planned: Sequence[Step]) -> None:
    """Write the plan, unless another request of the same listener just did."""
    row = lock_session(connection, session_id)
    if row.steps:
        return
    remaining, rows = 0.0, []
    for position in reversed(range(len(planned))):
        step = planned[position]
        remaining += step.seconds
        rows.append({
            "session_id": session_id, "position": position, "step_id": new_id(), "kind": step.kind,
            "body": step.table(), "remaining_s": remaining,
        })  # fmt: skip
    connection.execute(insert(steps), rows[::-1])
    state = "active" if row.state == "planning" else row.state
    planned_now = update(sessions).where(sessions.c.session_id == session_id)
    connection.execute(planned_now.values(steps=len(planned), state=state))


def read_steps(connection: Connection, session_id: str) -> list[StepRow]:
    """The whole plan in order."""
    query = select(steps).where(steps.c.session_id == session_id).order_by(steps.c.position)
    rows = connection.execute(query).all()
    return [_to_step(row, len(rows)) for row in rows]


def read_step(connection: Connection, session_id: str, step_id: str) -> StepRow | None:
    """One step of that session, answered or not."""
    query = select(steps, sessions.c.steps.label("of")).join(sessions)
    row = connection.execute(query.where(steps.c.session_id == session_id, steps.c.step_id == step_id)).first()
    return None if row is None else _to_step(row, row.of)


def upcoming(connection: Connection, session_id: str) -> tuple[str, StepRow | None, StepRow | None]:
    """(the session's state, the step to be answered, the one after it) in one query."""
    near = or_(steps.c.position == sessions.c.position, steps.c.position == sessions.c.position + 1)
    query = (
        select(steps, sessions.c.state, sessions.c.position.label("now_at"), sessions.c.steps.label("of"))
        .select_from(sessions.outerjoin(steps, and_(steps.c.session_id == sessions.c.session_id, near)))
        .where(sessions.c.session_id == session_id)
    )
    rows = connection.execute(query).all()
    found = {row.position: _to_step(row, row.of) for row in rows if row.position is not None}
    if not rows:
        return "", None, None
    return rows[0].state, found.get(rows[0].now_at), found.get(rows[0].now_at + 1)


def mark_delivered(connection: Connection, session_id: str, position: int, now: float) -> None:
    """Note when a step was first shown; the first time counts."""
    this = [steps.c.session_id == session_id, steps.c.position == position]
    connection.execute(update(steps).where(*this, steps.c.delivered_at.is_(None)).values(delivered_at=now))
    connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(seen_at=now))


def record(
    connection: Connection,
    session_id: str,
    step_id: str,
    client_id: str,
    answer: Mapping[str, Any],
    listened: Mapping[str, Any],
    events: Sequence[Any],
    now: float,
    *,
    coverage: float | None,
    deliver_next: bool,
) -> Recorded:
    """Keep one answer, once. ``SessionOver`` of a returned session is for the caller to mend by ``reclaim``."""
    check_client_id(client_id)
    session = lock_session(connection, session_id)
    step, kept = _find_answer(connection, session_id, step_id, client_id)
    if kept is not None:
        if kept.position == step.position and kept.client_id == client_id:
            return Recorded(first=False, complete=session.state == "complete")
        raise AlreadyAnswered("this question has an answer already; the first one stays. Reload the page to go on")
    if session.state not in HOLDING:
        raise SessionOver(f"the session is {session.state} and takes no more answers")
    if step.position != session.position:
        raise NotThisStep("this is not the question to be answered now; reload the page to go on")
    stays, own = split_answer(step.kind, answer)
    add_personal(connection, session_id, own)
    values = {
        "session_id": session_id, "position": step.position, "client_id": client_id, "answer": stays,
        "listened": dict(listened), "events": list(events), "coverage": coverage, "underruns": count_underruns(events),
        "answered_at": now,
    }  # fmt: skip
    connection.execute(insert(answers).values(values))
    return Recorded(first=True, complete=_advance(connection, session, now, deliver_next))


def count_underruns(events: Sequence[Any]) -> int:
    """Moments in the page's log at which the sound card had nothing to play."""
    return sum(1 for event in events if isinstance(event, Mapping) and event.get("type") == "underrun")


def check_client_id(client_id: str) -> None:
    """Refuse what no page of ours makes."""
    if not (isinstance(client_id, str) and 0 < len(client_id) <= MAX_CLIENT_ID and client_id.isascii()
            and client_id.isprintable()):  # fmt: skip
        raise AnswerError(f"client_id must be 1 to {MAX_CLIENT_ID} printable characters; reload the page")


def _advance(connection: Connection, session: Row[Any], now: float, deliver_next: bool) -> bool:
    """One step further; the last answer completes the session in its own transaction, so no kill can come between."""
    position = session.position + 1
    complete = position >= session.steps
    values: dict[str, Any] = {"position": position, "seen_at": now}
    if complete:
        values |= {"state": "complete", "ended_at": now}
    connection.execute(update(sessions).where(sessions.c.session_id == session.session_id).values(**values))
    if deliver_next and not complete:
        this = [steps.c.session_id == session.session_id, steps.c.position == position]
        connection.execute(update(steps).where(*this, steps.c.delivered_at.is_(None)).values(delivered_at=now))
    return complete


def _find_answer(
    connection: Connection, session_id: str, step_id: str, client_id: str
) -> tuple[Row[Any], Row[Any] | None]:
    """The step (position, kind), and the answer it has or that ``client_id`` was used for."""
    same = or_(answers.c.position == steps.c.position, answers.c.client_id == client_id)
    query = (
        select(steps.c.position, steps.c.kind, answers.c.position.label("answered"), answers.c.client_id)
        .select_from(steps.outerjoin(answers, and_(answers.c.session_id == steps.c.session_id, same)))
        .where(steps.c.session_id == session_id, steps.c.step_id == step_id)
    )
    rows = connection.execute(query).all()
    if not rows:
        raise NotThisStep("this question is not of this session; reload the page to go on")
    kept = [row for row in rows if row.answered is not None]
    for row in kept:
        if row.answered == row.position:
            return row, row
    if kept:  # the client id belongs to another step
        raise AlreadyAnswered("this answer was given to another question; reload the page to go on")
    return rows[0], None


def _to_step(row: Row[Any], of: int) -> StepRow:
    return StepRow(row.step_id, row.position, of, Step.from_table(row.body), row.delivered_at, row.remaining_s)

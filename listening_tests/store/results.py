"""What the monitor and the analysis read: everything of a study in a few queries, however many sessions it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, and_, func, select

from ..model import RATING_COLUMNS, Rating, Step
from .rows import STATES, AnswerRow, StepCount, StudyCounts
from .schema import answers, sessions, steps


def count_study(connection: Connection, study_id: str) -> StudyCounts:
    """Started, complete, slots and drop-off."""
    in_study = sessions.c.study_id == study_id
    by_state = select(sessions.c.state, func.count()).where(in_study).group_by(sessions.c.state)
    states = dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in connection.execute(by_state)}
    holders = select(sessions.c.slot, sessions.c.state).where(in_study, sessions.c.holds_slot).order_by(sessions.c.slot)
    slots = {slot: "complete" if state == "complete" else "held" for slot, state in connection.execute(holders)}
    query = (
        select(
            steps.c.position,
            steps.c.kind,
            func.count(steps.c.delivered_at).label("delivered"),
            func.count(answers.c.answered_at).label("answered"),
        )
        .select_from(sessions.join(steps).outerjoin(answers, _answer_of_step()))
        .where(in_study)
        .group_by(steps.c.position, steps.c.kind)
        .order_by(steps.c.position, steps.c.kind)
    )
    drop_off = [StepCount(**row._mapping) for row in connection.execute(query)]
    return StudyCounts(states, slots, drop_off, sum(row.answered for row in drop_off))


def read_answers(
    connection: Connection,
    study_id: str | None = None,
    *,
    session_id: str | None = None,
    complete_only: bool,
    events: bool = True,
) -> list[AnswerRow]:
    """Every answered step of a study or a session, by session and position."""
    columns = [
        sessions.c.session_id, sessions.c.slot, sessions.c.state, steps.c.step_id, steps.c.position, steps.c.body,
        steps.c.delivered_at, answers.c.answer, answers.c.listened, answers.c.coverage, answers.c.underruns,
        answers.c.answered_at,
    ]  # fmt: skip
    query = (
        select(*columns, *([answers.c.events] if events else []))
        .select_from(sessions.join(steps).join(answers, _answer_of_step()))
        .where(sessions.c.study_id == study_id if session_id is None else sessions.c.session_id == session_id)
        .order_by(sessions.c.created_at, sessions.c.session_id, steps.c.position)
    )
    if complete_only:
        query = query.where(sessions.c.state == "complete")
    rows = []
    for row in connection.execute(query):
        values = dict(row._mapping)
        step = Step.from_table(values.pop("body"))
        rows.append(AnswerRow(**{"events": [], **values}, step=step))
    return rows


def ratings_frame(rows: list[AnswerRow], study_id: str) -> pd.DataFrame:
    """The tidy frame, ``model.RATING_COLUMNS``: a row a rating. Training, traps and repeats have their ``role``."""
    from ..protocols import get_protocol

    protocols: dict[str, Any] = {}
    table: dict[str, list[Any]] = {name: [] for name in RATING_COLUMNS}
    for row in rows:
        name = row.step.protocol
        if not name:
            continue
        if name not in protocols:
            protocols[name] = get_protocol(name)
        for rating in protocols[name].ratings(row.step, row.answer):
            for column, value in _rating_row(study_id, row, rating).items():
                table[column].append(value)
    frame = pd.DataFrame(table)
    return frame.astype({name: "str" if kind is str else kind.__name__ for name, kind in RATING_COLUMNS.items()})


def _rating_row(study_id: str, row: AnswerRow, rating: Rating) -> dict[str, Any]:
    secret = row.step.secret
    condition = secret.get("condition", "")
    return {
        "study": study_id,
        "listener": row.session_id,
        "slot": row.slot,
        "position": row.position,
        "role": secret.get("role", "main"),
        "protocol": row.step.protocol,
        "sentence": secret.get("sentence", ""),
        "condition": condition if isinstance(condition, str) else "|".join(condition),
        "label": rating.label,
        "system": rating.system,
        "against": rating.against,
        "value": rating.value,
        "truth": rating.truth,
        "response": rating.response,
        "order": rating.order,
        "elapsed_s": row.elapsed_s,
        "coverage": float("nan") if row.coverage is None else row.coverage,
        "underruns": row.underruns,
        "answered_at": datetime.fromtimestamp(row.answered_at, UTC).isoformat(timespec="milliseconds"),
    }


def _answer_of_step() -> Any:
    return and_(answers.c.session_id == steps.c.session_id, answers.c.position == steps.c.position)

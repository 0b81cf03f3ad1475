"""The one door to everything that must not be lost: studies, sessions, slots, answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from sqlalchemy import Connection, select

from ..errors import StudyError
from ..model import Step
from . import invitations, personal, progress, results, sessions, studies
from .database import Database
from .errors import SessionOver
from .rows import AnswerRow, Recorded, SessionRow, StepRow, StudyCounts, StudyRow
from .schema import studies as studies_table

Result = TypeVar("Result")
MakeSteps = Callable[[int, str], Sequence[Step]]


class Store:
    """Studies, sessions and answers in one database; safe to share between threads, and between processes by opening
    it in each. Whatever a method has returned is on the disk.

    Every method may raise ``StoreUnavailable``; all of them may then be called again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._secrets: dict[str, bytes] = {}

    @classmethod
    def open(cls, url: str | Path) -> Store:
        """Open a SQLite file (a path or ``sqlite:///path``) or ``postgresql+pg8000://...``, with its tables brought up
        to date.

        Raises:
            StudyError: a URL that cannot be, or a database made by a newer version.
            StoreUnavailable: it does not answer.
        """
        return cls(Database(url))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # studies

    def add_study(self, study_id: str, study_hash: str, frozen: Mapping[str, Any]) -> str:
        """Open a study and return its public token; the same study again gives the same token.

        Raises:
            StudyError: opened before with another hash.
        """
        return self._write(studies.add_study, study_id, study_hash, frozen)

    def study(self, study_id: str) -> StudyRow | None:
        """The study of that name, None where it was never opened."""
        return self._read(studies.find_study, study_id=study_id)

    def study_by_token(self, token: str) -> StudyRow | None:
        """The study of a listener's link."""
        return self._read(studies.find_study, token=token)

    def set_state(self, study_id: str, state: str) -> None:
        """``open`` or ``closed``; sessions under way in a closed study go on to their end.

        Raises:
            StudyError: an unknown study or state.
        """
        self._write(studies.set_state, study_id, state)

    def secret(self, study_id: str) -> bytes:
        """The study's 32 random bytes, made once: key of its signatures.

        Raises:
            StudyError: an unknown study.
        """
        if study_id not in self._secrets:
            query = select(studies_table.c.secret).where(studies_table.c.study_id == study_id)
            found = self._database.read(lambda connection: connection.scalar(query))
            if found is None:
                raise StudyError(f"study {study_id!r} is not in the database; open it first")
            self._secrets[study_id] = bytes(found)
        return self._secrets[study_id]

    # sessions and slots

    def start_session(
        self,
        study_id: str,
        *,
        slots: int,
        resume_key: str | None,
        participant: Mapping[str, Any],
        language: str,
        make_steps: MakeSteps,
        now: float,
        invitation: str | None = None,
        idle_before: float | None = None,
        invited_only: bool = False,
    ) -> SessionRow:
        """The session of ``resume_key`` whatever its state, with a fresh token; or a new one in the lowest free slot.

        Args:
            slots: of the design, 0 .. slots - 1.
            resume_key: what identifies the person to the study (invitation, Prolific PID, MTurk worker and assignment);
                kept as a keyed hash alone. None: every call is a new session.
            participant: JSON about the person, kept with the personal data.
            make_steps: (slot, session_id) -> the plan. Called outside of any lock, and again where a kill came between;
                it must give the same plan again.
            now: seconds since 1970.
            invitation: a token that must have been made for the study; also the resume key where that is None.
            idle_before: give back slots of sessions last seen before that, first.
            invited_only: a new session needs an invitation; those that are there are found by their key without one.

        Raises:
            StudyFull: every slot is held or complete.
            StudyClosed: the study takes nobody new.
            InvitationError: the invitation is unknown or used, or there is none and one is needed.
            StudyError: an unknown study, or an empty plan.
        """
        session = self._write(
            sessions.reserve, study_id, slots=slots, resume_key=resume_key, invitation=invitation,
            participant=participant, language=language, now=now, idle_before=idle_before, invited_only=invited_only,
        )  # fmt: skip
        if session.of or session.state not in (*sessions.HOLDING, "returned"):
            return session
        if session.state == "returned":  # a kill came before its plan, and then nobody for long
            self._write(sessions.reclaim, session.session_id, now)
        return self._plan(session, make_steps)

    def _plan(self, session: SessionRow, make_steps: MakeSteps) -> SessionRow:
        try:
            planned = make_steps(session.slot, session.session_id)
            if not planned:
                raise StudyError(f"study {session.study_id!r} has no steps for slot {session.slot}; check its design")
        except BaseException:
            self._write(sessions.cancel, session.session_id)
            raise
        self._write(progress.add_steps, session.session_id, planned)
        return replace(session, state="active", of=len(planned))

    def session(self, token: str) -> SessionRow | None:
        """The session of a listener's token."""
        return self._read(sessions.session_of_token, token)

    def sessions(self, study_id: str) -> list[SessionRow]:
        """Every session of a study whatever its state, oldest first, without reading an answer."""
        return self._read(sessions.sessions_of, study_id)

    def finish(self, session_id: str, now: float | None = None) -> None:
        """Complete a session; the last ``record`` has done so already, and doing it again changes nothing.

        Raises:
            StudyError: steps without an answer.
            SessionOver: screened out or withdrawn.
        """
        self._write(sessions.end, session_id, "complete", _now(now))

    def screen_out(self, session_id: str, now: float | None = None) -> None:
        """End a session that may not go on; its slot is free again. Doing it again changes nothing.

        Raises:
            SessionOver: complete or withdrawn.
        """
        self._write(sessions.end, session_id, "screened-out", _now(now))

    def withdraw(self, session_id: str, *, delete: bool, now: float | None = None) -> None:
        """The listener stops. ``delete`` removes answers and personal data, also of a complete session, whose slot is
        free again; without it what a complete session gave still counts.
        """
        self._write(sessions.withdraw, session_id, _now(now), delete_answers=delete)

    def return_idle(self, before: float, study_id: str | None = None) -> list[tuple[str, int]]:
        """Give back slots of sessions last seen before that moment: (study, slot) of each. A listener who comes back
        gets the slot again as long as it is free.
        """
        return self._write(sessions.return_idle, before, study_id)

    # steps and answers

    def steps(self, session_id: str) -> list[StepRow]:
        """The whole plan in order."""
        return self._read(progress.read_steps, session_id)

    def step(self, session_id: str, step_id: str) -> StepRow | None:
        """One step, None where it is not of that session."""
        return self._read(progress.read_step, session_id, step_id)

    def current_step(self, session_id: str, now: float) -> StepRow | None:
        """The step to be answered, its first delivery noted; None once the session has ended.

        Raises:
            SessionOver: idle for too long, and the slot went to somebody else.
        """
        return self.next_steps(session_id, now)[0]

    def next_steps(self, session_id: str, now: float) -> tuple[StepRow | None, StepRow | None]:
        """``current_step``, and the one after it to be fetched ahead."""
        state, step, following = self._read(progress.upcoming, session_id)
        if state == "returned":
            self._write(sessions.reclaim, session_id, now)
            state, step, following = self._read(progress.upcoming, session_id)
        if state not in sessions.HOLDING or step is None:
            return None, None
        if step.delivered_at is None:
            self._write(progress.mark_delivered, session_id, step.position, now)
            step = self._read(progress.read_step, session_id, step.step_id)
        return step, following

    def record(
        self,
        session_id: str,
        step_id: str,
        client_id: str,
        answer: Mapping[str, Any],
        listened: Mapping[str, Any],
        events: Sequence[Any],
        now: float,
        *,
        coverage: float | None = None,
        deliver_next: bool = True,
    ) -> Recorded:
        """Keep an answer exactly once; it is on the disk when this returns. The last one completes the session.

        Replies to questions and comments go to the personal data, not into ``answers``.

        Args:
            client_id: the same for every attempt to send one answer; unique within the session.
            listened: label -> [[from, to], ...] in seconds.
            events: the page's log of playback.
            coverage: least share heard of any stimulus, as the server worked it out.
            deliver_next: note the next step as delivered now, as it goes out with this answer's acknowledgement.

        Raises:
            AlreadyAnswered: the step has an answer with another client id, or the client id another step.
            NotThisStep: not the session's step, or not the one to be answered now.
            SessionOver: the session takes no more answers.
        """
        given = (session_id, step_id, client_id, answer, listened, events, now)
        options = {"coverage": coverage, "deliver_next": deliver_next}
        try:
            return self._write(progress.record, *given, **options)
        except SessionOver:
            self._write(sessions.reclaim, session_id, now)
            return self._write(progress.record, *given, **options)

    # what the analysis and the monitor read

    def answers(self, study_id: str, *, complete_only: bool = False) -> list[AnswerRow]:
        """Every answered step of a study, screens and training included, by session and position."""
        return self._read(results.read_answers, study_id, complete_only=complete_only)

    def answers_of(self, session_id: str) -> list[AnswerRow]:
        """The answers of one session so far, in order."""
        return self._read(results.read_answers, session_id=session_id, complete_only=False)

    def ratings_frame(self, study_id: str, complete_only: bool = True) -> pd.DataFrame:
        """A row a rating with ``model.RATING_COLUMNS``; ``role`` tells training, traps, repeats and identical pairs."""
        rows = self._read(results.read_answers, study_id, complete_only=complete_only, events=False)
        return results.ratings_frame(rows, study_id)

    def counts(self, study_id: str) -> StudyCounts:
        """What the monitor shows: states, slots, drop-off by step."""
        return self._read(results.count_study, study_id)

    # persons, invitations, administrators

    def add_personal(self, session_id: str, values: Mapping[str, Any]) -> None:
        """Keep JSON about a person by name."""
        self._write(personal.add_personal, session_id, values)

    def personal(self, study_id: str) -> dict[str, dict[str, Any]]:
        """session_id -> name -> value: participant parameters, replies to questions, ``comment``."""
        return self._read(personal.read_personal, study_id)

    def delete_personal(self, *, study_id: str | None = None, session_id: str | None = None) -> int:
        """Delete the personal data of a study or a session, and with them the way to resume by Prolific or MTurk
        identifier; ratings stay. Returns how many entries there were.
        """
        if (study_id is None) == (session_id is None):
            raise ValueError("delete_personal takes either study_id or session_id")
        return self._write(personal.delete_personal, study_id=study_id, session_id=session_id)

    def create_invitations(self, study_id: str, count: int, now: float | None = None) -> list[str]:
        """New invitation tokens, to be handed out; they cannot be read again."""
        return self._write(invitations.create_invitations, study_id, count, _now(now))

    def is_invited(self, study_id: str, token: str) -> bool:
        """Whether the invitation was made for the study, used or not."""
        return self._read(invitations.is_invited, study_id, token)

    def invitations(self, study_id: str) -> tuple[int, int]:
        """(made, used)."""
        return self._read(invitations.count_invitations, study_id)

    def audit(
        self, actor: str, action: str, study_id: str | None = None, now: float | None = None, **detail: Any
    ) -> None:
        """Note what an administrator did, such as ``unlock``."""
        self._write(studies.write_audit, actor, action, study_id, detail, _now(now))

    def audit_log(self, study_id: str | None = None) -> list[dict[str, Any]]:
        """Entries (``at``, ``actor``, ``action``, ``study_id``, ``detail``), oldest first."""
        return self._read(studies.read_audit, study_id)

    def _read(self, work: Callable[..., Result], *given: Any, **options: Any) -> Result:
        def run(connection: Connection) -> Result:
            return work(connection, *given, **options)

        return self._database.read(run)

    def _write(self, work: Callable[..., Result], *given: Any, **options: Any) -> Result:
        def run(connection: Connection) -> Result:
            return work(connection, *given, **options)

        return self._database.write(run)


def _now(now: float | None) -> float:
    return time.time() if now is None else now

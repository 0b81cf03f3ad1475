"""The listeners' interface: sessions, steps, answers, sounds.

A session's token is ``<study token>.<random>``: the study finds the store, the store keeps a hash of the random part alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from ..design.session_plan import plan_session
from ..errors import AnswerError
from ..opening import OpenStudy
from ..protocols import get_protocol
from ..steps import check_plain_answer
from ..stimuli.sources import render_source
from ..store import InvitationError, SessionOver, StudyClosed, StudyFull
from ..store.rows import SessionRow, StepRow
from .completion import completion_code, return_link
from .headphones import headphone_results
from .heard import check_heard
from .payload import lengths_of, step_payload
from .sounds import sound_token, wav_for
from .wire import Problem, bounded_text

PARAMETERS = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "workerId", "assignmentId", "hitId")
MOST_EVENTS = 2000
KEPT_SOUNDS = 400  # addresses remembered, so that a sound costs no look at the database


class Visitor(NamedTuple):
    """A request's session and its study."""

    opened: OpenStudy
    session: SessionRow
    token: str  # the session's own


class Listeners:
    """What listeners may do.

    Args:
        find: a study by its public token.
        clock: seconds since 1970.
    """

    def __init__(self, find: Callable[[str], OpenStudy | None], clock: Callable[[], float]) -> None:
        self._find, self._clock = find, clock
        self._sounds: OrderedDict[str, tuple[str, str]] = OrderedDict()  # address -> (session id, source)
        self._lock = Lock()

    def study(self, token: str) -> OpenStudy:
        """The study of a link.

        Raises:
            Problem: 404.
        """
        opened = self._find(token)
        if opened is None:
            raise Problem(404, "there is no study at this address; check the link that you were given")
        return opened

    def describe(self, token: str) -> dict[str, Any]:
        """What the first page shows."""
        opened = self.study(token)
        study = opened.study
        return {
            "title": study.title, "languages": list(study.languages), "state": opened.state,
            "needs_invitation": study.access.invitation, "minutes": self._minutes(opened),
        }  # fmt: skip

    def begin(self, body: dict[str, Any]) -> dict[str, Any]:
        """Start a session, or come back to one."""
        opened = self.study(bounded_text(body, "study"))
        old = bounded_text(body, "session")
        if old and (known := self._known(old)) is not None and known.opened.study_id == opened.study_id:
            return {"session": old, "resumed": True}
        language = bounded_text(body, "language")
        if language not in opened.study.languages:
            language = opened.study.languages[0]
        parameters = self._parameters(body)
        invitation = bounded_text(body, "invitation")
        if opened.study.access.invitation and not invitation:
            raise Problem(403, "this study needs an invitation; use the link that you were given", reason="invitation")
        try:
            session = opened.store.start_session(
                opened.study_id, slots=opened.study.design.listeners, resume_key=resume_key(parameters),
                participant=parameters, language=language, invitation=invitation or None, now=self._clock(),
                make_steps=lambda slot, seed: plan_session(opened.study, opened.stimuli, slot, seed),
                idle_before=self._clock() - 60 * opened.study.access.return_slot_after_min,
            )  # fmt: skip
        except StudyFull:
            raise Problem(409, "all places are taken", reason="full") from None
        except StudyClosed:
            raise Problem(409, "the study is closed", reason="closed") from None
        except InvitationError:
            raise Problem(403, "that invitation is not valid", reason="invitation") from None
        return {"session": f"{opened.token}.{session.token}", "resumed": not session.created}

    def visitor(self, token: str) -> Visitor:
        """The session of a token.

        Raises:
            Problem: 401 none.
        """
        if (known := self._known(token)) is None:
            raise Problem(401, "this session is not known; open the link that you were given")
        return known

    def current(self, visitor: Visitor) -> dict[str, Any]:
        """The step to be done now, or how the session ended."""
        opened, session, own = visitor
        try:
            row, ahead = opened.store.next_steps(session.session_id, self._clock())
        except SessionOver:
            return {"over": True, "reason": "returned"}
        if row is None:
            return self._ended(opened, own)
        self._remember(opened, session.session_id, row, ahead)
        return step_payload(opened, row, session, ahead)

    def answer(self, visitor: Visitor, body: Mapping[str, Any]) -> dict[str, Any]:
        """Check an answer, keep it, and say what comes next.

        Raises:
            AnswerError: not an answer to this step, or not enough was heard.
        """
        opened, session, _ = visitor
        step_id, client_id = bounded_text(dict(body), "step"), bounded_text(dict(body), "client_id")
        row = opened.store.step(session.session_id, step_id)
        if row is None:
            raise AnswerError("this question is not of this session; reload the page to go on")
        answer, listened, events = body.get("answer"), body.get("listened") or {}, body.get("events") or []
        if not isinstance(answer, Mapping) or not isinstance(events, list) or len(events) > MOST_EVENTS:
            raise AnswerError("the answer is malformed; reload the page and answer again")
        now = self._clock()
        heard = self._check(opened, row, answer, listened, now)
        recorded = opened.store.record(
            session.session_id, step_id, client_id, answer, listened, events, now, coverage=heard
        )
        if row.step.kind == "headphones" and recorded.first:
            self._screen(opened, session.session_id, now)
        return {"saved": True, "first": recorded.first, "next": self.current(visitor)}

    def withdraw(self, visitor: Visitor, body: Mapping[str, Any]) -> dict[str, Any]:
        """The listener stops; with ``delete_ratings`` nothing of it is kept."""
        opened, session, _ = visitor
        opened.store.withdraw(session.session_id, delete=body.get("delete_ratings") is True, now=self._clock())
        return {"withdrawn": True}

    def sound(self, visitor: Visitor, address: str) -> bytes:
        """The WAV file behind an address of the session's current or next step.

        Raises:
            Problem: 404 not an address of this session, now.
        """
        opened, session, _ = visitor
        with self._lock:
            found = self._sounds.get(address)
        if found is None or found[0] != session.session_id:
            row, ahead = opened.store.next_steps(session.session_id, self._clock())
            self._remember(opened, session.session_id, row, ahead)
            with self._lock:
                found = self._sounds.get(address)
        if found is None or found[0] != session.session_id:
            raise Problem(404, "there is no sound at this address; reload the page")
        samples, rate = render_source(found[1], opened.stimuli)
        return wav_for(address, opened.secret, samples, rate)

    def _check(
        self, opened: OpenStudy, row: StepRow, answer: Mapping[str, Any], listened: Mapping[str, Any], now: float
    ) -> float | None:
        step = row.step
        if step.kind not in ("training", "trial"):
            check_plain_answer(step, answer)
            return None
        get_protocol(step.protocol).check(step, answer)
        elapsed = None
        if opened.study.listening.check_elapsed and row.delivered_at is not None:
            elapsed = now - row.delivered_at
        return check_heard(listened, lengths_of(opened, step), opened.study.listening.coverage, elapsed)

    def _screen(self, opened: OpenStudy, session_id: str, now: float) -> None:
        """Send a listener home, kindly, who failed every check that the study requires."""
        screening = opened.study.screening
        if not screening.headphones_required:
            return
        results = headphone_results(opened.store.answers_of(session_id))
        if len(results) == len(screening.headphones) and not any(results.values()):
            opened.store.screen_out(session_id, now)

    def _ended(self, opened: OpenStudy, own: str) -> dict[str, Any]:
        session = opened.store.session(own)
        state, session_id = (session.state, session.session_id) if session else ("withdrawn", "")
        completion = opened.study.completion
        if state == "complete":
            code = completion_code(opened, session_id)
            return {"done": True, "completion": {"code": code, "return_url": return_link(completion, code)}}
        if state == "screened-out":
            code = completion.screened_out_code
            return {"screened_out": True, "completion": {"code": code, "return_url": return_link(completion, code)}}
        return {"over": True, "reason": state}

    def _remember(self, opened: OpenStudy, session_id: str, *rows: StepRow | None) -> None:
        with self._lock:
            for row in rows:
                for label, source in (row.step.sources if row else {}).items():
                    self._sounds[sound_token(opened.secret, session_id, row.step_id, label)] = (session_id, source)
            while len(self._sounds) > KEPT_SOUNDS:
                self._sounds.popitem(last=False)

    def _known(self, token: str) -> Visitor | None:
        study, dot, own = token.partition(".")
        opened = self._find(study) if dot else None
        session = opened.store.session(own) if opened else None
        return Visitor(opened, session, own) if opened and session else None

    def _parameters(self, body: Mapping[str, Any]) -> dict[str, str]:
        given = body.get("parameters") or {}
        if not isinstance(given, dict):
            raise Problem(400, "parameters must be an object; use the link that you were given")
        return {name: text for name in PARAMETERS if (text := bounded_text(given, name))}

    def _minutes(self, opened: OpenStudy) -> int:
        plan = plan_session(opened.study, opened.stimuli, 0, "minutes")
        return max(1, round(sum(step.seconds for step in plan) / 60))


def resume_key(parameters: Mapping[str, str]) -> str | None:
    """What identifies a person to a study: Prolific's participant, or MTurk's worker in an assignment."""
    if "PROLIFIC_PID" in parameters:
        return f"prolific:{parameters['PROLIFIC_PID']}"
    if "workerId" in parameters:
        return f"mturk:{parameters['workerId']}"
    return None

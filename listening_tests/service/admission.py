"""Letting a listener in, or back in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..design.session_plan import plan_session
from ..opening import OpenStudy
from ..store import InvitationError, SessionRow

PARAMETERS = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "workerId", "assignmentId", "hitId")
MAX_PARAMETER = 200  # characters
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # MTurk shows a task with this before a worker accepts it
MINUTE_S = 60.0


def admit(
    opened: OpenStudy, body: Mapping[str, Any], old: tuple[str, SessionRow] | None, now: float
) -> tuple[str, bool]:
    """A session token, and whether the session was there before.

    Who the crowd's parameters or the invitation name comes first: on a shared computer the token that the browser
    kept may be somebody else's. Where it is this very session's, it goes on being used.

    Args:
        body: of the request.
        old: the token that the browser kept, and its session.

    Raises:
        StudyFull, StudyClosed, InvitationError: as the store says.
    """
    parameters = crowd_parameters(body.get("parameters"))
    invitation, key = _invitation(body.get("invitation")), resume_key(parameters)
    if old is not None and (old[1].study_id != opened.study_id or old[1].state == "withdrawn"):
        old = None
    if key is None and invitation is None:
        if old is not None:
            return old[0], True
        if opened.study.access.invitation:
            raise InvitationError("this study needs an invitation; ask whoever runs it for one")
    elif opened.study.access.invitation and invitation is None and old is not None:
        return old[0], True
    session = opened.store.start_session(
        opened.study_id,
        slots=opened.study.design.listeners,
        resume_key=key,
        participant=parameters,
        language=language_of(opened, body.get("language")),
        make_steps=lambda slot, session_id: plan_session(opened.study, opened.stimuli, slot, session_id),
        now=now,
        invitation=invitation,
        idle_before=now - MINUTE_S * opened.study.access.return_slot_after_min,
        invited_only=opened.study.access.invitation,
    )
    if old is not None and old[1].session_id == session.session_id:
        return old[0], True
    return session.token, not session.created


def crowd_parameters(given: Any) -> dict[str, str]:
    """Those of Prolific and MTurk that are there, nothing else.

    Raises:
        InvitationError: MTurk's preview, where the worker has not accepted the task.
    """
    given = given if isinstance(given, Mapping) else {}
    found = {name: _writable(given[name])[:MAX_PARAMETER] for name in PARAMETERS if isinstance(given.get(name), str)}
    if found.get("assignmentId") == PREVIEW:
        raise InvitationError("this is a preview; accept the task first")
    return {name: value for name, value in found.items() if value}


def _writable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can say and no file or hash of the analysis can hold."""
    return text.encode("utf-8", "replace").decode().strip()


def resume_key(parameters: Mapping[str, str]) -> str | None:
    """What identifies the person to the study: Prolific's participant, MTurk's worker and assignment; None for neither."""
    if "PROLIFIC_PID" in parameters:
        return f"prolific:{parameters['PROLIFIC_PID']}"
    if "workerId" in parameters:
        return f"mturk:{parameters['workerId']}:{parameters.get('assignmentId', '')}"
    return None


def language_of(opened: OpenStudy, wanted: Any) -> str:
    """The language asked for, where the study speaks it, else its first."""
    return wanted if wanted in opened.study.languages else opened.study.languages[0]


def _invitation(given: Any) -> str | None:
    return given if isinstance(given, str) and 0 < len(given) <= MAX_PARAMETER else None

"""Taking an answer: is it one, was there listening, and then to the disk before a word is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import AnswerError
from ..opening import OpenStudy
from ..protocols import get_protocol
from ..steps import check_plain_answer
from ..store import NotThisStep, Recorded, StepRow
from .listening import Heard, check_heard, measure
from .presenting import LISTENED_KINDS
from .sounds import Lengths

MAX_EVENTS = 5000
MAX_NAME = 100  # characters of an id that the page sends


def take_answer(opened: OpenStudy, session_id: str, body: Mapping[str, Any], lengths: Lengths, now: float) -> Recorded:
    """Check an answer as the page sent it and keep it exactly once; the step after it counts as shown from now on.

    Raises:
        AnswerError: malformed, incomplete, or given before the sounds were heard; names nothing secret.
        SessionOver: the session takes no more answers.
    """
    step_id, client_id, answer = body.get("step"), body.get("client_id"), body.get("answer")
    if not (_is_name(step_id) and _is_name(client_id) and isinstance(answer, Mapping)):
        raise AnswerError("an answer needs client_id, step and answer; reload the page and answer again")
    events = body.get("events", [])
    if not isinstance(events, list) or len(events) > MAX_EVENTS or not all(isinstance(one, Mapping) for one in events):
        raise AnswerError("the log of playback is not understood; reload the page and answer again")
    row = opened.store.step(session_id, step_id)
    if row is None or row.delivered_at is None:
        raise NotThisStep("this is not the question to be answered now; reload the page to go on")
    _check(row, answer)
    listened = body.get("listened", {})
    heard = _listening(opened, row, listened, lengths, now)
    return opened.store.record(session_id, step_id, client_id, answer, listened, events, now, coverage=heard.least)


def _check(row: StepRow, answer: Mapping[str, Any]) -> None:
    if row.step.kind in ("training", "trial"):
        get_protocol(row.step.protocol).check(row.step, answer)
    else:
        check_plain_answer(row.step, answer)


def _listening(opened: OpenStudy, row: StepRow, listened: Any, lengths: Lengths, now: float) -> Heard:
    seconds = lengths.of(opened, row.step)
    heard = measure(listened, seconds)
    rule = opened.study.listening
    if row.step.kind in LISTENED_KINDS:
        elapsed_s = now - row.delivered_at if rule.check_elapsed and row.delivered_at is not None else None
        check_heard(heard, seconds, rule.coverage, elapsed_s)
    return heard


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isascii() and value.isprintable()

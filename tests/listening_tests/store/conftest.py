"""A study in a store, and a listener who answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from listening_tests.model import Step
from listening_tests.store import SessionRow, Store

STUDY = "voices"


def plan(slot: int, session_id: str) -> list[Step]:
    """Consent, questions, three trials, comments."""
    trials = [
        Step(
            "trial", "scale", {"A": f"clip:{slot}-{trial}"}, {"view": "scale"},
            {"role": "main", "sentence": f"s{trial}", "condition": ["alpha"], "systems": {"A": "alpha"}, "key": {}},
            "acr-naturalness", 10.0,
        )
        for trial in range(3)
    ]  # fmt: skip
    asked = Step("questions", "questions", public={"questions": ["hearing"]}, seconds=20.0)
    return [Step("consent", "consent", seconds=5.0), asked, *trials, Step("comments", "comments", seconds=1.0)]


ANSWERS = {
    "consent": {"agreed": True},
    "questions": {"replies": {"hearing": "normal"}},
    "trial": {"value": 4},
    "comments": {"text": "Grüße & 1+1=2 \x00 \ud800"},
}


@pytest.fixture()
def store(database_url: str) -> Iterator[Store]:
    """With the study STUDY open."""
    with Store.open(database_url) as opened:
        opened.add_study(STUDY, "hash", {"title": "Voices"})
        yield opened


@pytest.fixture()
def start(store: Store) -> Callable[..., SessionRow]:
    """Start a session: ``start(key, slots=2, now=0.0, ...)``."""

    def begin(key: str | None = None, **changes: Any) -> SessionRow:
        given = {
            "slots": 2, "resume_key": key, "participant": {"PROLIFIC_PID": key} if key else {}, "language": "en",
            "make_steps": plan, "now": 0.0,
        } | changes  # fmt: skip
        return store.start_session(STUDY, **given)

    return begin


@pytest.fixture()
def answer_steps(store: Store) -> Callable[..., int]:
    """``answer_steps(session, count=None, now=1.0)`` answers that many steps, or all, a second each; how many it did."""

    def answer(session: SessionRow, count: int | None = None, now: float = 1.0) -> int:
        done = 0
        while done != count and (step := store.current_step(session.session_id, now + done)) is not None:
            client = f"{session.session_id}-{step.position}"
            given = ANSWERS[step.step.kind]
            store.record(session.session_id, step.step_id, client, given, {}, [], now + done + 0.5)
            done += 1
        return done

    return answer

"""The steps of a session that are not trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model import Step
from ..study import Study

SECONDS = {"consent": 40, "questions": 40, "level": 20, "headphones": 9, "break": 30, "comments": 30}  # expected


def consent_step(study: Study, minutes: int) -> Step:
    """What taking part means; ``minutes`` is what it is expected to take."""
    public = {
        "text": dict(study.consent.text),
        "contact": study.consent.contact,
        "minutes": minutes,
        "beeps": study.screening.traps > 0,
    }
    return _screen("consent", **public)


def questions_step(study: Study) -> Step:
    """Questions about the listener, all optional."""
    return _screen("questions", questions=list(study.questions))


def level_step(seed: int) -> Step:
    """Speech of the study to set the volume by."""
    return _screen("level", {"A": f"level:{seed}"})


def headphone_steps(check: str, seed: int, answers: Sequence[int]) -> list[Step]:
    """One step a round of a headphone check; ``answers`` are the right intervals, from 0."""
    return [
        _screen(
            "headphones",
            {str(interval + 1): f"{check}:{seed}:{number}:{interval}" for interval in range(3)},
            {"check": check, "round": number, "answer": str(answer + 1)},
            view="intervals",
            question_key=f"question.{check}",
            round=number + 1,
            rounds=len(answers),
        )
        for number, answer in enumerate(answers)
    ]


def break_step(done: int, of: int) -> Step:
    """A rest after ``done`` of ``of`` trials."""
    return _screen("break", done=done, of=of)


def comments_step() -> Step:
    """Anything that the listener wants to say."""
    return _screen("comments")


def _screen(
    kind: str,
    sources: dict[str, str] | None = None,
    secret: dict[str, Any] | None = None,
    *,
    view: str = "",
    **public: Any,
) -> Step:
    return Step(
        kind=kind,
        view=view or kind,
        sources=sources or {},
        public={"view": view or kind, **public},
        secret=secret or {},
        seconds=float(SECONDS[kind]),
    )

"""Who may go on after the headphone checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..opening import OpenStudy
from ..stimuli.headphones import passes
from ..store import AnswerRow, StepRow

HEADPHONES = "headphones"


def passed_checks(answers: Iterable[AnswerRow]) -> dict[str, bool]:
    """Check -> whether its answers pass, of all checks that were answered."""
    right: Counter[str] = Counter()
    for row in answers:
        if row.step.kind == HEADPHONES:
            right[row.step.secret["check"]] += row.answer.get("choice") == row.step.secret["answer"]
    return {check: passes(check, count) for check, count in right.items()}


def must_leave(opened: OpenStudy, session_id: str, current: StepRow) -> bool:
    """Whether the study wants headphones, every check has been answered, and none was passed.

    Worked out from the answers whenever a step is about to be shown, so that a kill between the last answer of a check and
    the verdict changes nothing.
    """
    screening = opened.study.screening
    if not (screening.headphones_required and screening.headphones) or current.step.kind == HEADPHONES:
        return False
    passed = passed_checks(opened.store.answers_of(session_id))
    return len(passed) == len(screening.headphones) and not any(passed.values())

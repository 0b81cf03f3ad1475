"""Where studies, sessions and answers are kept: exactly once, on the disk before anybody is told."""

from __future__ import annotations

from .errors import (
    AlreadyAnswered,
    InvitationError,
    NotThisStep,
    SessionOver,
    StoreUnavailable,
    StudyClosed,
    StudyFull,
)
from .rows import AnswerRow, Recorded, SessionRow, StepCount, StepRow, StudyCounts, StudyRow
from .store import Store

__all__ = [
    "AlreadyAnswered",
    "AnswerRow",
    "InvitationError",
    "NotThisStep",
    "Recorded",
    "SessionOver",
    "SessionRow",
    "StepCount",
    "StepRow",
    "Store",
    "StoreUnavailable",
    "StudyClosed",
    "StudyCounts",
    "StudyFull",
    "StudyRow",
]

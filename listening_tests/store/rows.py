"""What the store gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import Step

STATES = ("planning", "active", "complete", "screened-out", "withdrawn", "returned")
"""``planning``: has a slot, its steps are being made. ``returned``: idle for so long that the slot was given back."""


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study that was opened once."""

    study_id: str
    token: str  # public
    study_hash: str
    frozen: Mapping[str, Any]
    state: str  # open, closed
    created_at: float


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One listener in one study. ``token`` is None except where it was just made: only its hash is kept."""

    session_id: str
    study_id: str
    slot: int
    state: str  # of STATES
    language: str
    position: int  # of the first step without an answer
    of: int
    created_at: float
    seen_at: float
    token: str | None = None
    created: bool = False  # by this call, not resumed


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a session as planned."""

    step_id: str  # opaque
    position: int  # 0 ..
    of: int
    step: Step
    delivered_at: float | None
    remaining_s: float  # of this step and all after it, as expected


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer is on the disk. ``first`` is False where this very answer had come before."""

    first: bool
    complete: bool  # it was the session's last


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A step with its answer."""

    session_id: str
    slot: int
    state: str  # of the session
    step_id: str
    position: int
    step: Step
    answer: Mapping[str, Any]
    listened: Mapping[str, Any]
    events: list[Any]
    coverage: float | None
    underruns: int
    delivered_at: float | None
    answered_at: float

    @property
    def elapsed_s(self) -> float:
        """Seconds from the first delivery to the answer; NaN where the step was never delivered."""
        return self.answered_at - self.delivered_at if self.delivered_at is not None else float("nan")


@dataclass(frozen=True, slots=True)
class StepCount:
    """How far sessions came: a position of the plan with its kind of step."""

    position: int
    kind: str
    delivered: int
    answered: int


@dataclass(frozen=True, slots=True)
class StudyCounts:
    """What the monitor shows; nothing of it tells systems apart.

    Attributes:
        states: state -> sessions, every one of STATES.
        slots: slot -> "complete" or "held", in order; a slot that is missing is free.
        drop_off: a row a position and kind, in order.
        answers: answers stored, training and screens included.
    """

    states: Mapping[str, int]
    slots: Mapping[int, str]
    drop_off: list[StepCount] = field(default_factory=list)
    answers: int = 0

    @property
    def started(self) -> int:
        """Sessions, however they ended."""
        return sum(self.states.values())

    @property
    def complete(self) -> int:
        """Sessions with an answer to every step."""
        return self.states["complete"]

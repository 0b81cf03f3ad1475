"""What the store refuses, as the service and a person need to tell it apart."""

from __future__ import annotations

from ..errors import AnswerError, StudyError


class StudyFull(StudyError):
    """Every slot is held or complete."""


class StudyClosed(StudyError):
    """The study takes no new listeners."""


class InvitationError(StudyError):
    """An invitation that is unknown or used up."""


class SessionOver(StudyError):
    """The session takes no more answers: complete, screened out, withdrawn, or its slot went to somebody else."""


class AlreadyAnswered(AnswerError):
    """The step has another answer; the first one stays."""


class NotThisStep(AnswerError):
    """The step is not of this session, or not the one to be answered now."""


class StoreUnavailable(StudyError):
    """The database does not answer; the same call may be made again, and a repeated answer counts once."""

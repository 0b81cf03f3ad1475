"""The errors of listening tests that a person is meant to read: one line that names the thing and the remedy."""

from __future__ import annotations

from streamflow.errors import StreamflowError


class StudyError(StreamflowError):
    """A study file, its stimuli or its state that does not allow what was asked."""


class AnswerError(StreamflowError):
    """An answer of a listener that the trial does not allow; the page shows it, so it names nothing secret."""

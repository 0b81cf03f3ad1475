"""The errors that a person is meant to read: one line that names the thing and the remedy."""

from __future__ import annotations


class StreamflowError(Exception):
    """Something the user can mend. The message is one line: what is wrong with what, then the remedy."""


class AudioError(StreamflowError):
    """A recording that cannot be used."""


class CheckpointError(StreamflowError):
    """Weights that are missing, unknown or do not fit."""


class StrategyError(StreamflowError):
    """A decoding strategy or parameter that does not exist or does not fit."""

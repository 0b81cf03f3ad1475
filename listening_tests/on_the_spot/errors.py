"""What a person is told: one line, with the remedy."""

from __future__ import annotations

from streamflow.errors import StreamflowError


class BlindTestError(StreamflowError):
    """A blind test that cannot be made or answered as asked."""


class NoSuchTestError(BlindTestError):
    """A test or a sound that is not there for this visitor, be it another's."""

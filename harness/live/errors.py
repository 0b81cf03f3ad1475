"""What a person may be told of a live decode."""

from __future__ import annotations

from streamflow.errors import StreamflowError


class ViewError(StreamflowError):
    """A view that cannot be shown: the key of the link that is wrong, and what to give."""


class UploadError(StreamflowError):
    """A recording that is refused, and why."""


class LiveError(StreamflowError):
    """A live decode that cannot be had."""


class UnknownJobError(LiveError):
    """No such job or upload of this visitor; somebody else's is none."""


class BusyError(LiveError):
    """Not now: this visitor has enough under way; the same request may succeed a while later."""

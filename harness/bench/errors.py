"""What goes wrong before a benchmark measures anything."""

from streamflow.errors import StreamflowError


class BenchError(StreamflowError):
    """A benchmark that cannot be made."""

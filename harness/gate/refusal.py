"""Why nothing can be said: reasons, each one line."""

from __future__ import annotations

from collections.abc import Sequence

from streamflow.errors import StreamflowError

SHOWN = 3  # names in a message


class GateRefusedError(StreamflowError):
    """Two runs that cannot be compared, each reason one line."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


def few(names: Sequence[str]) -> str:
    """The first names of many, and how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more

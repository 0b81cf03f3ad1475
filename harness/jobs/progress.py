"""How far a verb is, told to whoever started it as a job."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from harness.storage import write_json

VARIABLE = "STREAMFLOW_PROGRESS"
_stages: dict[str, dict[str, float]] = {}  # of this process


def tell(stage: str, done: float, total: float | None, detail: str = "") -> None:
    """Write how far this process is to the file that ``STREAMFLOW_PROGRESS`` names; nothing where it names none.

    Args:
        stage: a word, such as ``decode``; how long each took stays written.
        done, total: of whatever the stage counts; ``total`` None or 0 while it is not known.
        detail: such as the utterance at hand.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    now = time.time()
    place = _stages.setdefault(stage, {"since": now, "first": float(done)})
    place |= {"at": now, "done": float(done), "total": float(total or 0)}
    content = {"stage": stage, "detail": detail, **place, "stages": _stages}
    with contextlib.suppress(OSError):  # a full disk stops the work itself, with its own line
        write_json(Path(path), content)

"""How soon a session lets go of the machine when a listener interrupts it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from streamflow.session import Session, StreamRequest

FALL_ASLEEP_S = 0.0005  # Event.wait oversleeps by about this much; the last stretch is spun


class Interrupt(NamedTuple):
    """One cancelled session.

    Attributes:
        during_s: how long it had worked.
        interrupt_s: from ``cancel()`` until the call that it interrupted returned.
    """

    during_s: float
    interrupt_s: float


@dataclass
class _Worker:
    """Drives a session as fast as it goes, until it ends or is cancelled."""

    open_session: Callable[[StreamRequest], Session]
    request: StreamRequest
    opened: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    session: Session | None = None
    began: float = 0.0
    returned: float = 0.0
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.session = self.open_session(self.request)
            self.began = time.perf_counter()
            self.opened.set()
            self._drive()
        except BaseException as error:
            if not self.cancelled.is_set():  # a session may refuse what comes after its cancellation
                self.error = error
        finally:
            self.returned = time.perf_counter()
            self.opened.set()

    def _drive(self) -> None:
        tokens = self.request.tokens
        calls = [lambda token=tokens[i : i + 1]: self.session.push(token) for i in range(len(tokens))]
        for call in [*calls, self.session.finish]:
            for _ in call() or ():
                if self.cancelled.is_set():
                    return
            if self.cancelled.is_set():
                return


def interrupt(
    open_session: Callable[[StreamRequest], Session], request: StreamRequest, after_s: float
) -> Interrupt | None:
    """Open a session, cancel it from another thread in the middle of its work, and see how long it goes on.

    All tokens are there, so the session works without a pause and the cancellation falls into a call.

    Args:
        open_session: the system.
        request: the utterance.
        after_s: when to cancel, seconds after the session was opened.

    Returns:
        None where the session had ended by then.

    Raises:
        Exception: whatever the session raises before it is cancelled.
    """
    worker = _Worker(open_session, request)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        worker.opened.wait()
        while (left := worker.began + after_s - time.perf_counter()) > 0 and not worker.returned:
            time.sleep(max(0.0, min(left - FALL_ASLEEP_S, 0.01)))
    finally:  # on Ctrl-C too
        asked = time.perf_counter()
        worker.cancelled.set()
        if worker.session is not None:
            with contextlib.suppress(Exception):
                worker.session.cancel()
    thread.join()
    if worker.error is not None:
        raise worker.error
    return None if worker.returned < asked else Interrupt(asked - worker.began, worker.returned - asked)

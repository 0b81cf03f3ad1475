"""``cancel()`` stops a session, also from another thread in the middle of a chunk, and leaves the others alone."""

from __future__ import annotations

import contextlib
import threading

from ..driving import Subject, audio_of, bare, decode
from ..finding import FAILS, HOLDS

PATIENCE_S = 60.0  # for the thread to end; only a decoder that hangs needs it


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Cancel between pushes, then while another thread decodes; each time with a bystander."""
    request, other = subject.requests[:2]
    alone = audio_of(decode(subject, other))
    bystander = subject.open(bare(other))
    half = len(other.tokens) // 2
    chunks = list(bystander.push(other.tokens[:half].copy()) or ())
    if more := _chunks_after_cancel(subject, request):
        return FAILS, f"{more} chunks came after cancel() between two pushes", None
    late = _chunks_while_cancelled(subject, request)
    if late is None:
        return FAILS, f"a push did not end within {PATIENCE_S:.0f} s of cancel() from another thread", None
    if late > 1:
        return FAILS, f"{late} chunks came after cancel() from another thread, where one may be under way", None
    chunks += bystander.push(other.tokens[half:].copy()) or ()
    chunks += bystander.finish() or ()
    if (at := subject.first_difference(alone, audio_of(chunks))) is not None:
        return FAILS, f"a session beside cancelled ones differs at {subject.place(at)}", at
    return HOLDS, "between pushes and from another thread; a session beside them is unharmed", None


def _chunks_after_cancel(subject: Subject, request) -> int:
    session = subject.open(bare(request))
    half = len(request.tokens) // 2
    list(session.push(request.tokens[:half].copy()) or ())
    session.cancel()
    count = 0
    for call in (lambda: session.push(request.tokens[half:].copy()), session.finish):
        with contextlib.suppress(Exception):  # refusing is what it should do, or yield nothing
            count += sum(1 for _ in call() or ())
    return count


def _chunks_while_cancelled(subject: Subject, request) -> int | None:
    """Chunks that came after a cancel from this thread while another one read them; None if that does not end."""
    session = subject.open(bare(request))
    first, cancelled, late = threading.Event(), threading.Event(), []

    def read() -> None:
        with contextlib.suppress(Exception):
            for _ in session.push(request.tokens.copy()) or ():
                if cancelled.is_set():
                    late.append(1)
                first.set()
            for _ in session.finish() or ():
                if cancelled.is_set():
                    late.append(1)
        first.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    first.wait(PATIENCE_S)
    session.cancel()
    cancelled.set()
    reader.join(PATIENCE_S)
    return None if reader.is_alive() else len(late)

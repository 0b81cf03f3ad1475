"""``finish()`` gives the rest, once; a stream may end anywhere, even before it began."""

from __future__ import annotations

import numpy as np

from ..driving import Subject, audio_of, bare, decode
from ..finding import FAILS, HOLDS

FRAME_S = 0.01


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """End after 0, 1 and some tokens; finish twice and push afterwards; compare a prefix with the whole."""
    request = subject.requests[0]
    whole, count, token = audio_of(decode(subject, request)), len(request.tokens), subject.samples_per_token
    framing = len(whole) - count * token  # what a decoder's framing costs or adds, wherever it ends
    for length in dict.fromkeys((1, 2, count // 3, count - 1)):
        part = audio_of(decode(subject, request, tokens=request.tokens[:length]))
        expected = length * token + framing
        if abs(len(part) - expected) > FRAME_S * subject.sample_rate:
            return FAILS, f"ended after token {length} it gave {len(part)} samples instead of {expected}", length
        safe = max(0, length - (subject.lookahead_tokens or length)) * token
        if (at := subject.first_difference(part[:safe], whole[:safe])) is not None:
            return (
                FAILS,
                f"ended after token {length}, the audio differs at {subject.place(at)}, before the look-ahead",
                at,
            )
    return _afterwards(subject)


def _afterwards(subject: Subject) -> tuple[str, str, int | None]:
    request = subject.requests[0]
    empty = subject.open(bare(request))
    if chunks := list(empty.finish() or ()):
        return FAILS, f"without a token, finish() gave {sum(len(c.samples) for c in chunks)} samples", 0
    for name, again in (
        ("finish() a second time", lambda session: session.finish()),
        ("push() after finish()", lambda session: session.push(request.tokens[:8].copy())),
    ):
        session = subject.open(bare(request))
        list(session.push(request.tokens.copy()) or ())
        list(session.finish() or ())
        try:
            more = sum(len(np.asarray(chunk.samples)) for chunk in again(session) or ())
        except Exception:
            continue  # refused, which is as good as nothing
        if more:
            return FAILS, f"{name} gave {more} more samples", None
    return HOLDS, "ended after 0, 1, 2, a third and all but one of the tokens; nothing comes after finish()", None

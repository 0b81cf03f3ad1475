"""Tokens outside the codebook and of another shape are refused by name; an empty push changes nothing."""

from __future__ import annotations

import numpy as np

from ..driving import Subject, audio_of, bare, decode
from ..finding import FAILS, HOLDS

IMPOSSIBLE = 2**40  # no codebook is as large


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Push what cannot be, beside a session that goes on."""
    request = subject.requests[0]
    width = request.tokens.shape[1]
    alone = audio_of(decode(subject, request))
    beside = subject.open(bare(request))
    half = len(request.tokens) // 2
    chunks = list(beside.push(request.tokens[:half].copy()) or ())
    for name, tokens in (
        ("a negative token", np.full((8, width), -1, np.int64)),
        (f"token {IMPOSSIBLE}", np.full((8, width), IMPOSSIBLE, np.int64)),
        (f"tokens of {width + 1} codes", np.zeros((8, width + 1), np.int64)),
    ):
        if not _refused(subject, request, tokens):
            return FAILS, f"{name} is decoded as if it were one; raise an error that names it", None
    chunks += beside.push(np.zeros((0, width), np.int64)) or ()
    chunks += beside.push(request.tokens[half:].copy()) or ()
    chunks += beside.finish() or ()
    if (at := subject.first_difference(alone, audio_of(chunks))) is not None:
        return FAILS, f"after another session's bad tokens, and an empty push, it differs at {subject.place(at)}", at
    return HOLDS, "negative, too large and misshapen tokens raise; an empty push and other sessions are unharmed", None


def _refused(subject: Subject, request, tokens: np.ndarray) -> bool:
    session = subject.open(bare(request))
    try:
        list(session.push(tokens) or ())
        list(session.finish() or ())
    except Exception:
        return True
    return False

"""The same request gives the same samples: noise is a function of the seed, not of what was decoded before."""

from __future__ import annotations

from ..driving import Subject, audio_of, decode
from ..finding import FAILS, HOLDS


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Decode the first utterance, another, and the first again."""
    first = audio_of(decode(subject, subject.requests[0]))
    decode(subject, subject.requests[1])
    at = subject.first_difference(first, audio_of(decode(subject, subject.requests[0])))
    if at is not None:
        return FAILS, f"decoded again with the same seed, it differs from {subject.place(at)} on", at
    return HOLDS, f"{len(first)} samples, the same with another utterance in between", None

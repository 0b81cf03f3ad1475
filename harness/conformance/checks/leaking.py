"""A streaming decoder has its tokens from ``push`` and nowhere else, and never sees the reference recording."""

from __future__ import annotations

from dataclasses import replace

from ..driving import Subject, audio_of, bare, decode
from ..finding import FAILS, HOLDS


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """With the request as a run gives it, with the tokens and recording of another utterance in it, and with neither."""
    request, other = subject.requests[:2]
    given = audio_of(decode(subject, request, opened=replace(request, speaker=request.speaker.copy())))
    without = audio_of(decode(subject, request, opened=bare(request)))
    if (at := subject.first_difference(given, without)) is not None:
        return FAILS, f"it reads the request's tokens or reference: without them it differs at {subject.place(at)}", at
    swapped = replace(bare(request), reference=other.reference.copy(), tokens=other.tokens.copy())
    if (at := subject.first_difference(given, audio_of(decode(subject, request, opened=swapped)))) is not None:
        return (
            FAILS,
            f"it reads the request's tokens or reference: with another's it differs at {subject.place(at)}",
            at,
        )
    return HOLDS, "the same without the request's tokens and reference", None

"""Any packing of the tokens into pushes gives the same samples."""

from __future__ import annotations

from ..driving import Subject, audio_of, decode
from ..finding import FAILS, HOLDS

PACKINGS = ((10**9,), (2, 3), (7,), (25, 1, 1), (1, 13))


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Token by token against all at once and against uneven pushes."""
    for request in subject.requests[:2]:
        single = audio_of(decode(subject, request))
        for sizes in PACKINGS:
            at = subject.first_difference(single, audio_of(decode(subject, request, sizes=sizes)))
            if at is not None:
                how = "all at once" if sizes[0] > len(request.tokens) else f"in pushes of {'+'.join(map(str, sizes))}"
                return (
                    FAILS,
                    f"{request.utterance_id}: {how}, it differs from token by token at {subject.place(at)}",
                    at,
                )
    return HOLDS, f"{len(PACKINGS)} packings against token by token, two utterances", None

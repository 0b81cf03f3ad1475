"""Two sessions of one decoder that take turns give what each gives alone: no state is shared."""

from __future__ import annotations

from streamflow.session import AudioChunk

from ..driving import Subject, audio_of, bare, decode, packed
from ..finding import FAILS, HOLDS

SIZES = (3,)  # tokens a turn: off every block, so that sessions change in the middle of one


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Two utterances in turns against each alone."""
    pair = subject.requests[:2]
    alone = [audio_of(decode(subject, request)) for request in pair]
    sessions = [subject.open(bare(request)) for request in pair]
    queues = [list(packed(request.tokens, SIZES)) for request in pair]
    chunks: list[list[AudioChunk]] = [[], []]
    while any(queues):
        for session, queue, got in zip(sessions, queues, chunks, strict=True):
            if queue:
                got += session.push(queue.pop(0)) or ()
    for session, got in zip(reversed(sessions), reversed(chunks), strict=True):  # in the other order
        got += session.finish() or ()
    for request, before, got in zip(pair, alone, chunks, strict=True):
        if (at := subject.first_difference(before, audio_of(got))) is not None:
            return FAILS, f"{request.utterance_id}: beside another session it differs at {subject.place(at)}", at
    return HOLDS, "two sessions in turns of 3 tokens against each alone", None

"""Chunks follow one another without gap or overlap; float32, finite, within [-1, 1], and as long as the tokens."""

from __future__ import annotations

import numpy as np

from ...render import LENGTH_TOLERANCE_S
from ..driving import Subject, decode
from ..finding import FAILS, HOLDS


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Look at every chunk of the first utterance."""
    request, position = subject.requests[0], 0
    found = decode(subject, request)
    for number, chunk in enumerate(found):
        samples = np.asarray(chunk.samples)
        if chunk.start_sample != position:
            return FAILS, f"chunk {number} starts at {chunk.start_sample}, the one before ended at {position}", position
        if samples.ndim != 1 or samples.dtype != np.float32 or not len(samples):
            return FAILS, f"chunk {number} holds {samples.dtype} {list(samples.shape)}, not float32 [n]", position
        if len(bad := np.flatnonzero(~(np.abs(samples) <= 1))):
            at = position + int(bad[0])
            return FAILS, f"chunk {number} holds {samples[bad[0]]} at {subject.place(at)}", at
        position += len(samples)
    expected = len(request.tokens) * subject.samples_per_token
    rate = subject.sample_rate
    if abs(position - expected) > LENGTH_TOLERANCE_S * rate:
        return FAILS, f"{position} samples for {len(request.tokens)} tokens, which are {expected}", position
    return HOLDS, f"{len(found)} chunks, {position / rate:.2f} s for {expected / rate:.2f} s of tokens", None

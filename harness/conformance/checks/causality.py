"""No sample depends on a token that comes later than the declared algorithmic latency allows, and the first packet
comes no later than declared.

A latency of L tokens means: sample s may depend on the tokens before s / 640 + L. So with every token from k on
replaced, the samples before (k - L) * 640 stay. What is measured is the least L for which that is so.
"""

from __future__ import annotations

import numpy as np

from streamflow.session import StreamRequest

from ...inputs import SAMPLES_PER_TOKEN, TOKENS_PER_SECOND
from ..driving import Subject, audio_of, bare, decode
from ..finding import FAILS, HOLDS, NOT_APPLICABLE

PLACES = 8  # tokens from which on the rest is replaced


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Replace the end of the first utterance's tokens from several places on, and see how early the audio changes."""
    declared = subject.lookahead_tokens
    request = subject.requests[0]
    needed, token = actual_lookahead(subject, request)
    first = first_packet_tokens(subject, request)
    ms = round(1000 / TOKENS_PER_SECOND)
    found = f"samples depend on tokens up to {needed * ms} ms ahead; the first packet comes after {first} tokens"
    if declared is None:
        return NOT_APPLICABLE, f"it declares no algorithmic_latency_s in describe(); {found}", None
    if needed > declared:
        return FAILS, f"declared {declared * ms} ms, but {found}, seen when token {token} was changed", token
    if first > declared:
        return FAILS, f"declared {declared * ms} ms, but {found}", first
    return HOLDS, f"declared {declared * ms} ms; {found}", None


def actual_lookahead(subject: Subject, request: StreamRequest) -> tuple[int, int]:
    """Tokens ahead that samples depend on, and the changed token that shows it."""
    tokens, whole = request.tokens, audio_of(decode(subject, request))
    other = tokens[::-1]  # real tokens of the same speaker, in an order that differs nearly everywhere
    most, shown = 0, 0
    for k in sorted({int(k) for k in np.linspace(1, len(tokens) - 1, PLACES)}):
        changed = np.concatenate([tokens[:k], other[k:]])
        if np.array_equal(changed[k], tokens[k]):
            continue
        at = subject.first_difference(whole, audio_of(decode(subject, request, tokens=changed)))
        if at is not None and (ahead := k - at // SAMPLES_PER_TOKEN) > most:
            most, shown = ahead, k
    return most, shown


def first_packet_tokens(subject: Subject, request: StreamRequest) -> int:
    """Tokens that had been pushed, one by one, when the first chunk came."""
    session = subject.open(bare(request))
    for count in range(1, len(request.tokens) + 1):
        for _ in session.push(request.tokens[count - 1 : count]) or ():
            session.cancel()
            return count
    session.cancel()
    return len(request.tokens)

"""No sample depends on a token that comes later than the declared algorithmic latency allows, and the first packet
comes no later than declared. What a player has to wait for without a pause afterwards may be more, and is told.

A latency of L tokens of n samples means: sample s may depend on the tokens before s / n + L. So with every token from k on
replaced, the samples before (k - L) * n stay. What is measured is the least L for which that is so. How far ahead a sample
hears depends on where in its chunk it lies, so the places k take every position in a chunk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamflow.session import AudioChunk, StreamRequest

from ..driving import Subject, audio_of, bare
from ..finding import FAILS, HOLDS, NOT_APPLICABLE

MOST_PLACES = 16  # tokens from which on the rest is replaced


def answer(subject: Subject) -> tuple[str, str, int | None]:
    """Replace the end of the first utterance's tokens from several places on, and see how early the audio changes."""
    request, declared = subject.requests[0], subject.lookahead_tokens
    chunks, came = arrivals(subject, request)
    if not came and (declared or 0) >= len(request.tokens):
        return (
            NOT_APPLICABLE,
            f"declared {declared} tokens, the utterance has {len(request.tokens)}; give longer ones",
            None,
        )
    if not came:
        needed, end = len(request.tokens), "; it declares so" if subject.declares_whole else ""
        return FAILS, f"it does not stream: the first sound comes with finish(), after all {needed} tokens{end}", needed
    needed, token = actual_lookahead(subject, request, chunks)
    ms, wait_ms = round((declared or 0) * subject.token_ms), pauseless_ms(subject, chunks, came)
    found = (
        f"samples depend on tokens up to {needed * subject.token_ms:.0f} ms ahead; the first packet comes after {came[0]} "
        f"tokens, and plays on without a pause {wait_ms} ms after the first token's begin"
    )
    if declared is None:
        unsaid = "it declares no algorithmic_latency_s in describe(): give --look-ahead TOKENS"
        return NOT_APPLICABLE, f"{unsaid}; {found}", None
    if needed > declared:
        return FAILS, f"declared {ms} ms, but {found}; seen when token {token} was changed", token
    if came[0] > declared:
        return FAILS, f"declared {ms} ms, which is {declared} tokens, but {found}", came[0]
    return HOLDS, f"declared {ms} ms; {found}", None


def arrivals(subject: Subject, request: StreamRequest) -> tuple[list[AudioChunk], list[int]]:
    """All chunks, and of those that came before the end, how many tokens had been pushed, one by one."""
    session, chunks, came = subject.open(bare(request)), [], []
    for count in range(1, len(request.tokens) + 1):
        new = list(session.push(request.tokens[count - 1 : count].copy()) or ())
        chunks += new
        came += [count] * len(new)
    return [*chunks, *(session.finish() or ())], came


def pauseless_ms(subject: Subject, chunks: Sequence[AudioChunk], came: Sequence[int]) -> int:
    """When a player may begin so that each chunk has come when it is due, were no time spent on computing."""
    token = subject.samples_per_token
    waits = [count * token - chunk.start_sample for chunk, count in zip(chunks, came, strict=False)]
    return round(1000 * max(waits) / subject.sample_rate)


def actual_lookahead(subject: Subject, request: StreamRequest, chunks: Sequence[AudioChunk]) -> tuple[int, int]:
    """Tokens ahead that the samples of these chunks depend on, and the changed token that shows it."""
    tokens, whole, token = request.tokens, audio_of(chunks), subject.samples_per_token
    other = tokens[::-1]  # real tokens of the same speaker, in an order that differs nearly everywhere
    most, shown = 0, 0
    for k in places(len(tokens), max(len(chunk.samples) for chunk in chunks) // token):
        changed = np.concatenate([tokens[:k], other[k:]])
        if np.array_equal(changed[k], tokens[k]):
            continue
        at = first_change(subject, request, changed, whole[: k * token])
        if at is not None and (ahead := k - at // token) > most:
            most, shown = ahead, k
    return most, shown


def first_change(subject: Subject, request: StreamRequest, changed: np.ndarray, before: np.ndarray) -> int | None:
    """The first sample of ``before`` that is another one with the changed tokens; decodes no further than that."""
    session, position = subject.open(bare(request)), 0
    pushes = (lambda token=token: session.push(token[None].copy()) for token in changed)
    for call in (*pushes, session.finish):
        for chunk in call() or ():
            samples = np.asarray(chunk.samples)[: len(before) - position]
            at = subject.first_difference(before[position : position + len(samples)], samples)
            position += len(samples)
            if at is not None or position == len(before):
                session.cancel()
                return None if at is None else position - len(samples) + at
    return position


def places(tokens: int, period: int) -> list[int]:
    """Where to begin changing ``tokens`` tokens: every position in a period of so many, in the middle, and both ends."""
    period = max(1, min(period, tokens))
    middle = max(1, (tokens - period) // 2)
    step = -(-period // MOST_PLACES)
    return sorted({k for k in (1, *range(middle, middle + period, step), tokens - 1) if 0 < k < tokens})

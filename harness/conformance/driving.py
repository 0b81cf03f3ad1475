"""Drive sessions of the decoder under examination."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from streamflow.audio import SAMPLE_RATE
from streamflow.session import AudioChunk, Session, StreamRequest


@dataclass(frozen=True)
class Subject:
    """A decoder and what it is examined with.

    Attributes:
        open: the system.
        requests: two utterances or more, with their tokens.
        algorithmic_latency_s: as the system declares it; None where it declares none.
        tolerance: the largest difference of samples that counts as none; 0 on a CPU.
        declares_whole: it declares that it needs the whole utterance.
    """

    open: Callable[[StreamRequest], Session]
    requests: Sequence[StreamRequest]
    algorithmic_latency_s: float | None = None
    tolerance: float = 0.0
    declares_whole: bool = False

    @property
    def lookahead_tokens(self) -> int | None:
        """Tokens that must have come before sample 0 can be made, as declared."""
        if self.algorithmic_latency_s is None:
            return None
        return round(self.algorithmic_latency_s * self.tokens_per_second)

    @property
    def tokens_per_second(self) -> float:
        """Of speech: the rate at which tokens are said to come."""
        return self.requests[0].tokens_per_second

    @property
    def token_ms(self) -> float:
        """What a token stands for."""
        return 1000 / self.tokens_per_second

    @cached_property
    def sample_rate(self) -> int:
        """Samples a second, as the first chunk of the first utterance says."""
        session = self.open(bare(self.requests[0]))
        calls = (
            *(lambda push=push: session.push(push) for push in packed(self.requests[0].tokens, (1,))),
            session.finish,
        )
        for chunk in (chunk for call in calls for chunk in call() or ()):
            session.cancel()
            return int(getattr(chunk, "sample_rate", SAMPLE_RATE))
        return SAMPLE_RATE

    @property
    def samples_per_token(self) -> int:
        """Samples that a token stands for."""
        return round(self.sample_rate / self.tokens_per_second)

    def place(self, sample: int) -> str:
        """A position for people."""
        return f"sample {sample} ({sample / self.sample_rate:.3f} s)"

    def first_difference(self, a: np.ndarray, b: np.ndarray) -> int | None:
        """The first sample at which two signals differ by more than the tolerance, or at which one of them ends."""
        common = min(len(a), len(b))
        apart = np.flatnonzero(~(np.abs(a[:common] - b[:common]) <= self.tolerance))  # so that NaN counts
        if len(apart):
            return int(apart[0])
        return None if len(a) == len(b) else common


def bare(request: StreamRequest) -> StreamRequest:
    """A request of its own, without what a streaming decoder must not read."""
    return replace(
        request,
        speaker=request.speaker.copy(),
        prompt=request.prompt.copy(),
        reference=np.zeros(0, np.float32),
        tokens=np.zeros((0, request.tokens.shape[1]), np.int64),
    )


def packed(tokens: np.ndarray, sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """Tokens ``[T, K]`` in pushes of these sizes, over and over."""
    start, turn = 0, 0
    while start < len(tokens):
        stop = start + max(1, sizes[turn % len(sizes)])
        yield tokens[start:stop].copy()
        start, turn = stop, turn + 1


def decode(
    subject: Subject, request: StreamRequest, *, tokens: np.ndarray | None = None, sizes: Sequence[int] = (1,),
    opened: StreamRequest | None = None,
) -> list[AudioChunk]:  # fmt: skip
    """All chunks of an utterance.

    Args:
        subject: the decoder.
        request: the utterance.
        tokens: pushed instead of the request's.
        sizes: of the pushes, over and over.
        opened: what the session gets instead of the bare request.
    """
    session = subject.open(opened or bare(request))
    chunks: list[AudioChunk] = []
    for push in packed(request.tokens if tokens is None else tokens, sizes):
        chunks += session.push(push) or ()
    chunks += session.finish() or ()
    return chunks


def audio_of(chunks: Sequence[AudioChunk]) -> np.ndarray:
    """float ``[n]``: the chunks one after the other."""
    return np.concatenate([np.zeros(0, np.float32), *(np.asarray(chunk.samples) for chunk in chunks)])

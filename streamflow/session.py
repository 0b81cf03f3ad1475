"""The session protocol: how tokens go in and audio comes out, for every decoder here and for any a user brings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What is known of an utterance before its first token.

    Attributes:
        utterance_id: names the utterance in errors and traces.
        speaker: float32 ``[D]``, the speaker embedding, computed once a stream.
        seed: the noise of a stream is a function of this and the absolute frame.
        prompt: float32 ``[n]`` at ``sample_rate``, the recording that the speaker embedding was computed from.
        reference: float32 ``[n]`` at ``sample_rate``, the recording that the tokens were computed from. Decoders must
            not read it; it is there for controls such as vocoder copy synthesis.
        tokens: int64 ``[T, K]``, every token of the utterance, for offline controls only; a streaming decoder gets
            its tokens through ``push``.
        sample_rate: samples a second of ``prompt`` and ``reference``.
        tokens_per_second: of speech, which is the rate at which they come in real time.
    """

    utterance_id: str
    speaker: np.ndarray
    seed: int = 0
    prompt: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    reference: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    tokens: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.int64))
    sample_rate: int = 16_000
    tokens_per_second: float = 25.0


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of finished audio. Chunks of a session follow one another without gap or overlap.

    Attributes:
        start_sample: position of ``samples[0]`` in the utterance; the seam with the chunk before, unless it is 0.
        samples: float32 ``[n]`` in [-1, 1]; final, never revised.
        dit_s: seconds spent in the acoustic model since the chunk before.
        vocoder_s: seconds spent in the vocoder since the chunk before.
        other_s: seconds spent in everything else that the session itself timed (embedding, copies).
        seam_sample: absolute sample where the acoustic model's pieces meet, when that is not ``start_sample``: a vocoder
            that looks ahead holds samples back, so the joint of the mel lies inside the next chunk. 0 for no joint.
        sample_rate: samples a second, the same in all chunks of a session.
    """

    start_sample: int
    samples: np.ndarray
    dit_s: float = 0.0
    vocoder_s: float = 0.0
    other_s: float = 0.0
    seam_sample: int | None = None
    sample_rate: int = 16_000


@runtime_checkable
class Session(Protocol):
    """One utterance being decoded. The audio must not depend on how the tokens were packed into pushes."""

    def push(self, tokens: np.ndarray) -> Iterable[AudioChunk]:
        """Take int64 ``[n, K]`` tokens (K codes a step) and yield the chunks that they complete."""

    def finish(self) -> Iterable[AudioChunk]:
        """No more tokens will come: yield the rest. The session is spent afterwards."""

    def cancel(self) -> None:
        """Stop and free the state; may be called from another thread, takes effect within one network evaluation."""


class System(Protocol):
    """Anything that opens sessions. A class whose constructor takes the request is the shortest one."""

    def __call__(self, request: StreamRequest) -> Session:
        """Open a session for one utterance."""

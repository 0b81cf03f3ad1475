"""Sessions of the decoders here: tokens to mel to audio, timed part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from .decoding import CancelledError, Evaluator, MelStream
from .errors import StreamflowError
from .mel import FRAME_RATE
from .session import AudioChunk, StreamRequest
from .vocoders.streaming import StreamingVocoder, Vocoder


def checked_tokens(tokens: np.ndarray, codes: int, codebook: int) -> torch.Tensor:
    """int64 ``[n, K]`` from whatever a caller pushed.

    Raises:
        StreamflowError: another shape, or codes that the codebook does not have.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or tokens.shape[1] != codes or tokens.dtype.kind not in "iu":
        raise StreamflowError(f"tokens of shape {tokens.shape} and type {tokens.dtype}: push integers [n, {codes}]")
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < codebook):
        raise StreamflowError(
            f"token {tokens.max()} is outside the codebook of {codebook}; use this bundle's tokenizer"
        )
    return torch.from_numpy(tokens.astype(np.int64))


def checked_speaker(speaker: np.ndarray, width: int) -> torch.Tensor:
    """float32 ``[D]`` of a request.

    Raises:
        StreamflowError: another shape.
    """
    speaker = np.asarray(speaker, np.float32)
    if speaker.shape != (width,):
        raise StreamflowError(f"speaker embedding of shape {speaker.shape}: give [{width}], of this bundle's encoder")
    return torch.from_numpy(speaker)


class DecoderSession:
    """A decoding strategy and a vocoder on one utterance; see :class:`streamflow.session.Session`.

    What is decoded when depends only on how many tokens have come, never on how they were packed: a push that completes
    several emissions makes them one after the other, each without a look at tokens beyond its own look-ahead.
    """

    def __init__(self, evaluator: Evaluator, vocoder: Vocoder, request: StreamRequest):
        voice = checked_speaker(request.speaker, evaluator.dit.config.speaker)
        self._mel = MelStream(evaluator, voice, request.seed)
        self._vocoder = StreamingVocoder(vocoder)
        self._hop, self._rate = vocoder.hop, FRAME_RATE * vocoder.hop
        self._codes = evaluator.dit.tokens
        self._sample = 0
        self._spent = [0.0, 0.0, 0.0]  # seconds in DiT, vocoder and the rest since the last chunk
        self._done = False

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        """Take int64 ``[n, K]`` tokens; the iterator decodes as it is read.

        Raises:
            StreamflowError: bad tokens, or the session has ended.
        """
        if self._done:
            raise StreamflowError("this session has ended; open another one for the next utterance")
        started = time.perf_counter()
        self._mel.add(checked_tokens(tokens, self._codes.codes, self._codes.codebook_size))
        return self._emit(finished=False, other=time.perf_counter() - started)

    def finish(self) -> Iterator[AudioChunk]:
        """Decode what is left, under the same masks with as much look-ahead as there is."""
        if self._done:
            raise StreamflowError("this session has ended; open another one for the next utterance")
        self._done = True
        return self._emit(finished=True, other=0.0)

    def cancel(self) -> None:
        """Stop within one network evaluation; from any thread."""
        self._done = True
        self._mel.cancel()

    def _emit(self, finished: bool, other: float) -> Iterator[AudioChunk]:
        self._spent[2] += other
        try:
            while span := self._mel.next_span(finished):
                seam = self._mel.seam(span) * self._hop
                mel = self._timed(0, lambda span=span: self._mel.emit(span))
                samples = self._timed(1, lambda mel=mel: self._vocoder.push(mel))
                if finished and self._mel.next_span(finished) is None:
                    samples = torch.cat([samples, self._timed(1, self._vocoder.finish)])
                yield from self._chunk(samples, seam)
            if finished and self._vocoder.pending_frames:
                self._mel.check()
                yield from self._chunk(self._timed(1, self._vocoder.finish), 0)
        except CancelledError:
            return

    def _timed(self, part: int, work: Callable[[], torch.Tensor]) -> torch.Tensor:
        started = time.perf_counter()
        try:
            return work()
        finally:
            self._spent[part] += time.perf_counter() - started

    def _chunk(self, samples: torch.Tensor, seam: int) -> Iterator[AudioChunk]:
        """The samples as a chunk, if there are any, with the time spent since the chunk before."""
        if len(samples):
            audio = samples.clamp(-1, 1).numpy()
            start, self._sample = self._sample, self._sample + len(audio)
            (dit, vocoder, other), self._spent = self._spent, [0.0, 0.0, 0.0]
            yield AudioChunk(start, audio, dit, vocoder, other, seam, self._rate)

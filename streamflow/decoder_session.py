"""Sessions of the decoders here: tokens to mel to audio, timed part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from .decoding import CancelledError, Evaluator, MelStream
from .devices import to_host, wait
from .errors import StreamflowError
from .mel import FRAME_RATE
from .session import AudioChunk, StreamRequest
from .vocoders.streaming import StreamingVocoder, Vocoder


def checked_tokens(tokens: np.ndarray, codes: int, codebook: int) -> torch.Tensor:
    """int64 ``[n, K]`` from whatever a caller pushed.

    Raises:
        StreamflowError: another shape, or codes that the codebook does not have.
    """
    tokens = _array(tokens, "tokens")
    if tokens.ndim != 2 or tokens.shape[1] != codes or tokens.dtype.kind not in "iu":
        raise StreamflowError(f"tokens of shape {tokens.shape} and type {tokens.dtype}: push integers [n, {codes}]")
    if (outside := tokens[(tokens < 0) | (tokens >= codebook)]).size:
        raise StreamflowError(f"token {outside[0]} is outside the codebook of {codebook}; use this bundle's tokenizer")
    return torch.from_numpy(tokens.astype(np.int64))


def checked_speaker(speaker: np.ndarray, width: int) -> torch.Tensor:
    """float32 ``[D]`` of a request.

    Raises:
        StreamflowError: another shape, or values that are not finite.
    """
    speaker = _array(speaker, "speaker embedding")
    if speaker.shape != (width,) or speaker.dtype.kind not in "fiu":
        raise StreamflowError(
            f"speaker embedding of shape {speaker.shape} and type {speaker.dtype}: give numbers [{width}], "
            "of this bundle's encoder"
        )
    if not np.isfinite(speaker := speaker.astype(np.float32)).all():
        raise StreamflowError("speaker embedding with values that are not finite: compute it from another recording")
    return torch.from_numpy(speaker)


def checked_seed(seed: int) -> int:
    """The seed of a request.

    Raises:
        StreamflowError: no whole number.
    """
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer):
        raise StreamflowError(f"seed {seed!r}: give a whole number")
    return int(seed)


def _array(values: object, what: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise StreamflowError(f"{what}: no array ({error})") from None


def finite(audio: np.ndarray) -> np.ndarray:
    """The samples, which are only given out when they are sound.

    Raises:
        StreamflowError: one is not finite.
    """
    if not np.isfinite(audio).all():
        raise StreamflowError(
            "the decoder made samples that are not finite: check the weights with streamflow checkpoint verify, and "
            "the size of the speaker embedding"
        )
    return audio


class DecoderSession:
    """A decoding strategy and a vocoder on one utterance; see :class:`streamflow.session.Session`.

    What is decoded when depends only on how many tokens have come, never on how they were packed: a push that completes
    several emissions makes them one after the other, each without a look at tokens beyond its own look-ahead.
    """

    def __init__(self, evaluator: Evaluator, vocoder: Vocoder, request: StreamRequest):
        voice = checked_speaker(request.speaker, evaluator.dit.config.speaker)
        self._mel = MelStream(evaluator, voice, checked_seed(request.seed))
        self._vocoder = StreamingVocoder(vocoder)
        self._hop, self._rate = vocoder.hop, FRAME_RATE * vocoder.hop
        self._codes, self._device = evaluator.dit.tokens, evaluator.dit.device
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
            wait(self._device)
            self._spent[part] += time.perf_counter() - started

    def _chunk(self, samples: torch.Tensor, seam: int) -> Iterator[AudioChunk]:
        """The samples as a chunk, if there are any, with the time spent since the chunk before."""
        if len(samples):
            audio = finite(to_host(samples.clamp(-1, 1)))
            start, self._sample = self._sample, self._sample + len(audio)
            (dit, vocoder, other), self._spent = self._spent, [0.0, 0.0, 0.0]
            yield AudioChunk(start, audio, dit, vocoder, other, seam, self._rate)

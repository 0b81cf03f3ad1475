"""Controls, no decoders: what the vocoder loses by itself, and what the tokens lose by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from ..checkpoints import Bundle
from ..decoder_session import checked_speaker, checked_tokens, finite
from ..devices import to_host
from ..errors import StreamflowError
from ..mel import FRAMES_PER_TOKEN, HOP, log_mel
from ..session import AudioChunk, StreamRequest
from .base import MadeSystem, Strategy, device_facts


class OfflineSession:
    """Collects the tokens and renders a log-mel in one piece at the end."""

    def __init__(self, make_mel: Callable[[torch.Tensor], torch.Tensor], bundle: Bundle):
        self._make_mel, self._vocoder, self._fsq = make_mel, bundle.vocoder, bundle.tokenizer.fsq
        self._rate, self._device = bundle.sample_rate, bundle.device
        self._tokens: list[torch.Tensor] = []
        self._cancelled = self._done = False

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        """Keep int64 ``[n, K]`` tokens; nothing comes before the end.

        Raises:
            StreamflowError: bad tokens, or the session has ended.
        """
        self._refuse_when_done()
        self._tokens.append(checked_tokens(tokens, self._fsq.codes, self._fsq.codebook_size))
        return iter(())

    def finish(self) -> Iterator[AudioChunk]:
        """The whole utterance as one chunk.

        Raises:
            StreamflowError: the session has ended.
        """
        self._refuse_when_done()
        self._done = True
        return self._rendered(torch.cat(self._tokens)) if self._tokens else iter(())

    def cancel(self) -> None:
        """Render nothing."""
        self._cancelled = self._done = True

    def _rendered(self, tokens: torch.Tensor) -> Iterator[AudioChunk]:
        if self._cancelled or not len(tokens):
            return
        started = time.perf_counter()
        with torch.inference_mode():
            mel = self._make_mel(tokens)
            made = time.perf_counter()
            audio = finite(to_host(self._vocoder(mel[None].to(self._device))[0].clamp(-1, 1)))
        if not self._cancelled:
            yield AudioChunk(0, audio, made - started, time.perf_counter() - made, sample_rate=self._rate)

    def _refuse_when_done(self) -> None:
        if self._done:
            raise StreamflowError("this session has ended; open another one for the next utterance")


def _copy_synthesis(bundle: Bundle, chosen: dict) -> MadeSystem:
    def open_session(request: StreamRequest) -> OfflineSession:
        def mel_of_reference(tokens: torch.Tensor) -> torch.Tensor:
            frames = len(tokens) * FRAMES_PER_TOKEN
            if len(request.reference) < HOP * 3:
                raise StreamflowError("copy-synthesis needs the reference recording in its request; give one")
            mel = log_mel(request.reference)[:frames]
            return torch.cat([mel, mel[-1:].expand(frames - len(mel), -1)])

        return OfflineSession(mel_of_reference, bundle)

    return MadeSystem("copy-synthesis", chosen, None, None, open_session, device_facts(bundle))


def _tokenizer(bundle: Bundle, chosen: dict) -> MadeSystem:
    tokenizer = bundle.tokenizer

    def open_session(request: StreamRequest) -> OfflineSession:
        speaker = checked_speaker(request.speaker, tokenizer.config.speaker)[None]

        def plain_decoder(tokens: torch.Tensor) -> torch.Tensor:
            return tokenizer.decode(tokenizer.fsq.to_coordinates(tokens)[None], speaker)[0]

        return OfflineSession(plain_decoder, bundle)

    return MadeSystem("tokenizer", chosen, None, None, open_session, device_facts(bundle))


COPY_SYNTHESIS = Strategy(
    "copy-synthesis", "control: the reference's own log-mel through the vocoder", {}, _copy_synthesis
)
TOKENIZER = Strategy("tokenizer", "control: the tokenizer's plain decoder instead of the flow", {}, _tokenizer)

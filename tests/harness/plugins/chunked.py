"""Decoders as a user would bring them: they know the session protocol and nothing else of this project's harness.

``Resynthesis`` codes the recording with 8 bit mu-law and emits it in chunks of 8 tokens; the others break one rule
each. Set ``STREAMFLOW_TEST_LOG`` to a file to have a line appended for every utterance that is opened, and
``STREAMFLOW_TEST_HOLD`` to a number to have the decode of that line stop after its first chunk until the process is
ended: whoever interrupts it need not be quick.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from streamflow.session import AudioChunk, StreamRequest

TOKEN = 640  # samples
MU = 255.0


class Resynthesis:
    """Emit the recording, coarsely quantised, every ``hop`` tokens."""

    def __init__(self, request: StreamRequest, hop: int = 8, sleep_s: float = 0.0) -> None:
        self.holds = False
        if "STREAMFLOW_TEST_LOG" in os.environ:
            with Path(os.environ["STREAMFLOW_TEST_LOG"]).open("a+") as log:
                log.write(f"{type(self).__name__} {request.utterance_id}\n")
                log.seek(0)
                self.holds = len(log.readlines()) == int(os.environ.get("STREAMFLOW_TEST_HOLD") or 0)
        self.audio = np.pad(request.reference, (0, TOKEN))
        self.hop, self.sleep_s = hop, sleep_s
        self.tokens = self.emitted = 0

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        self.tokens += len(tokens)
        while self.tokens - self.emitted >= self.hop:
            yield self.chunk(self.hop)

    def finish(self) -> Iterator[AudioChunk]:
        if self.tokens > self.emitted:
            yield self.chunk(self.tokens - self.emitted)

    def cancel(self) -> None:
        self.audio = np.zeros(0, np.float32)

    def chunk(self, count: int) -> AudioChunk:
        start = self.emitted * TOKEN
        piece = self.audio[start : start + count * TOKEN]
        code = np.round(127 * np.sign(piece) * np.log1p(MU * np.abs(piece)) / np.log1p(MU))
        samples = np.sign(code) * np.expm1(np.abs(code) / 127 * np.log1p(MU)) / MU
        time.sleep(self.sleep_s)
        while self.holds and self.emitted:
            time.sleep(1)
        self.emitted += count
        return AudioChunk(start, samples.astype(np.float32), dit_s=self.sleep_s)


class Slow(Resynthesis):
    """Takes 30 ms a chunk."""

    def __init__(self, request: StreamRequest) -> None:
        super().__init__(request, sleep_s=0.03)


class Raises(Resynthesis):
    """Fails in the middle of one utterance, with a message of several lines."""

    def __init__(self, request: StreamRequest, only: str = "") -> None:
        super().__init__(request)
        self.broken = request.utterance_id == only or not only

    def chunk(self, count: int) -> AudioChunk:
        if self.broken and self.emitted >= 8:
            raise IndexError("index 9 is out of bounds\nfor axis 0")
        return super().chunk(count)


class NotANumber(Resynthesis):
    """Yields one NaN in its second chunk."""

    def chunk(self, count: int) -> AudioChunk:
        chunk = super().chunk(count)
        if chunk.start_sample:
            chunk.samples[17] = np.nan
        return chunk


class Gap(Resynthesis):
    """Skips a sample between chunks."""

    def chunk(self, count: int) -> AudioChunk:
        chunk = super().chunk(count)
        return AudioChunk(chunk.start_sample + bool(chunk.start_sample), chunk.samples)


class Overlap(Resynthesis):
    """Says that its second chunk begins before the first ends."""

    def chunk(self, count: int) -> AudioChunk:
        chunk = super().chunk(count)
        return AudioChunk(max(0, chunk.start_sample - 5), chunk.samples)


class Empty(Resynthesis):
    """Yields a chunk of no samples."""

    def chunk(self, count: int) -> AudioChunk:
        return AudioChunk(super().chunk(count).start_sample, np.zeros(0, np.float32))


class Integers(Resynthesis):
    """Yields 16-bit integers."""

    def chunk(self, count: int) -> AudioChunk:
        chunk = super().chunk(count)
        return AudioChunk(chunk.start_sample, (chunk.samples * 32767).astype(np.int16))


class Silent(Resynthesis):
    """Yields nothing at all."""

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        return iter(())

    finish = lambda self: iter(())  # noqa: E731


class YieldsNone(Resynthesis):
    """Yields None where it has nothing yet."""

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        yield None


class HalfLength(Resynthesis):
    """Forgets the rest."""

    def push(self, tokens: np.ndarray) -> Iterator[AudioChunk]:
        if not self.emitted:
            yield from super().push(tokens)

    def finish(self) -> Iterator[AudioChunk]:
        return iter(())


class Vandal(Resynthesis):
    """Overwrites everything that its request holds."""

    def __init__(self, request: StreamRequest) -> None:
        super().__init__(request)
        for array in (request.reference, request.prompt, request.speaker, request.tokens):
            array[:] = 0


NOT_CALLABLE = 3


class Noisy(Resynthesis):
    """With noise of the request's seed."""

    def __init__(self, request: StreamRequest) -> None:
        super().__init__(request)
        self.random = np.random.default_rng(request.seed)

    def chunk(self, count: int) -> AudioChunk:
        made = super().chunk(count)
        noise = 0.01 * self.random.standard_normal(len(made.samples))
        return replace(made, samples=(made.samples + noise).astype(np.float32))

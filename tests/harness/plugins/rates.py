"""A decoder of 24 kHz, and one that changes its mind about the rate."""

from __future__ import annotations

import numpy as np

from streamflow.session import AudioChunk


class Beeps:
    """A sine of 440 Hz, 40 ms a token of 25 a second."""

    rate = 24_000

    def __init__(self, request):
        self.request, self.at = request, 0

    def push(self, tokens):
        count = round(len(tokens) / self.request.tokens_per_second * self.rate)
        time = (self.at + np.arange(count)) / self.rate
        start, self.at = self.at, self.at + count
        yield AudioChunk(start, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), sample_rate=self.rate)

    def finish(self):
        return ()

    def cancel(self):
        pass


class Wavers(Beeps):
    """Its second chunk is of another rate."""

    def push(self, tokens):
        self.rate = 24_000 if self.at == 0 else 16_000
        yield from super().push(tokens)


class Whispers(Beeps):
    """A rate that no speech is at."""

    rate = 400


class Flag(Beeps):
    """A rate that is none."""

    def push(self, tokens):
        yield AudioChunk(0, np.zeros(640, np.float32), sample_rate=True)

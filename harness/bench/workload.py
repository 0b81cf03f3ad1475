"""What gets decoded: tokens at random. What a decoder computes does not depend on which tokens they are."""

from __future__ import annotations

import numpy as np

from streamflow.checkpoints import Bundle
from streamflow.session import StreamRequest

from ..latency.speech import tokens_of


class Workload:
    """Streams for one bundle, every one the beginning of the same endless one.

    Args:
        bundle: whose codebook and speaker size count.
        seed: of the tokens.
    """

    def __init__(self, bundle: Bundle, seed: int = 0):
        config, rng = bundle.config("decoder"), np.random.default_rng(seed)
        self._codes, self._codebook, self._seed = config.codes, bundle.codebook, seed
        self.tokens_per_second, self.frames_per_token = bundle.tokens_per_second, config.frames_per_token
        voice = rng.standard_normal(config.speaker).astype(np.float32)
        self._voice = voice / np.linalg.norm(voice)

    def tokens(self, count: int) -> np.ndarray:
        """int64 ``[count, K]``."""
        return np.random.default_rng(self._seed + 1).integers(0, self._codebook, (count, self._codes))

    def request(self, length_s: float, seed: int = 0) -> StreamRequest:
        """A request of so many seconds."""
        rate = self.tokens_per_second
        tokens = self.tokens(tokens_of(length_s, rate))
        return StreamRequest(f"{length_s:g} s", self._voice.copy(), seed, tokens=tokens, tokens_per_second=rate)

"""The speaker embedding: ECAPA-TDNN (Desplanques et al., Interspeech 2020), speechbrain's module, weights trained here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mel import BANDS, log_mel, normalise
from .speechbrain_import import load_ecapa, load_fbank

MAX_S = 20.0  # more of a recording changes the embedding little and costs time


@dataclass(frozen=True)
class SpeakerConfig:
    """Sizes of the ECAPA-TDNN; the defaults are Qwen2.5-Omni's (1.7 M parameters).

    Attributes:
        features: ``mel`` is this project's log-mel; ``fbank`` is speechbrain's, for weights that it published.
    """

    channels: int = 256
    attention: int = 64
    se: int = 64
    res2net_scale: int = 2
    embedding: int = 128
    features: str = "mel"


class SpeakerEncoder(nn.Module):
    """Log-mel ``[B, T, 80]`` to unit vectors ``[B, D]``. The mean over time is taken off, so level does not matter."""

    def __init__(self, config: SpeakerConfig | None = None):
        super().__init__()
        self.config = c = config or SpeakerConfig()
        self.ecapa = load_ecapa()(
            BANDS,
            channels=[c.channels] * 4 + [3 * c.channels],
            kernel_sizes=[5, 3, 3, 3, 1],
            dilations=[1, 2, 3, 4, 1],
            attention_channels=c.attention,
            se_channels=c.se,
            res2net_scale=c.res2net_scale,
            lin_neurons=c.embedding,
        )

    def forward(self, mel: Tensor) -> Tensor:
        return F.normalize(self.raw(mel), dim=-1)

    def raw(self, mel: Tensor) -> Tensor:
        """The embeddings before they are brought to length 1: what speechbrain calls the embedding."""
        x = normalise(mel) if self.config.features == "mel" else mel
        return self.ecapa(x - x.mean(dim=1, keepdim=True))[:, 0].float()

    def hear(self, audio: np.ndarray) -> Tensor:
        """float32 ``[n]`` at 16 kHz to the features ``[T, 80]`` of at most its first 20 s."""
        audio = audio[: int(MAX_S * 16_000)]
        if self.config.features == "mel":
            return log_mel(audio)
        return load_fbank()(n_mels=BANDS)(torch.as_tensor(audio, dtype=torch.float32)[None])[0]

    @torch.inference_mode()
    def embed(self, audio: np.ndarray) -> Tensor:
        """float32 ``[n]`` at 16 kHz to a float32 unit vector ``[D]``; at most the first 20 s are heard."""
        return self(self.hear(audio)[None])[0]

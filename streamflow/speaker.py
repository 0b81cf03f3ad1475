"""The speaker embedding: ECAPA-TDNN (Desplanques et al., Interspeech 2020), speechbrain's module, weights trained here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mel import BANDS, log_mel, normalise
from .speechbrain_import import load_ecapa

MAX_S = 20.0  # more of a recording changes the embedding little and costs time


@dataclass(frozen=True)
class SpeakerConfig:
    """Sizes of the ECAPA-TDNN; the defaults are Qwen2.5-Omni's (1.7 M parameters)."""

    channels: int = 256
    attention: int = 64
    se: int = 64
    res2net_scale: int = 2
    embedding: int = 128


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
        x = normalise(mel)
        return F.normalize(self.ecapa(x - x.mean(dim=1, keepdim=True))[:, 0].float(), dim=-1)

    @torch.inference_mode()
    def embed(self, audio: np.ndarray) -> Tensor:
        """float32 ``[n]`` at 16 kHz to a float32 unit vector ``[D]``; at most the first 20 s are heard."""
        return self(log_mel(audio[: int(MAX_S * 16_000)])[None])[0]

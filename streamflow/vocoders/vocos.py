"""A light vocoder that runs on a CPU: causal ConvNeXt blocks and one inverse STFT (Vocos: Siuzdak, ICLR 2024).

Two changes from the paper make it fit to stream: every convolution looks back only, except the first, which may look a
few frames ahead; and the synthesis window is 40 ms, because half of it less half a hop is look-ahead too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..convnext import ConvNeXt
from ..mel import BANDS, HOP, normalise


@dataclass(frozen=True)
class VocosConfig:
    """Sizes. ``lookahead`` is the frames ahead that the first convolution sees."""

    width: int = 320
    hidden: int = 960
    layers: int = 8
    kernel: int = 7
    lookahead: int = 2
    n_fft: int = 640


class Vocos(nn.Module):
    """Log-mel ``[B, T, 80]`` to samples ``[B, 160 T]``.

    Attributes:
        hop: samples a frame.
        past_frames, future_frames: the frames before and after frame i that samples 160 i .. 160 i + 159 depend on.
    """

    hop = HOP

    def __init__(self, config: VocosConfig | None = None):
        super().__init__()
        self.config = c = config or VocosConfig()
        overlap = math.ceil((c.n_fft - HOP) / 2 / HOP)  # frames whose synthesis window reaches into a frame, each side
        self.future_frames = c.lookahead + overlap
        self.past_frames = (c.layers + 1) * (c.kernel - 1) - c.lookahead + overlap
        self.embed = nn.Conv1d(BANDS, c.width, c.kernel)
        self.norm_in = nn.LayerNorm(c.width, eps=1e-6)
        self.blocks = nn.ModuleList(ConvNeXt(c.width, c.hidden, c.kernel, 0, 1.0 / c.layers) for _ in range(c.layers))
        self.norm_out = nn.LayerNorm(c.width, eps=1e-6)
        self.head = nn.Linear(c.width, c.n_fft + 2)
        window = torch.hann_window(c.n_fft)
        self.register_buffer("window", window, persistent=False)
        # the sum of squared windows is the same at every sample when the hop divides half the window; at the two ends
        # of a file it is not, and we let the network fade there, so that streaming needs no special case
        self.gain = HOP / float(window.square().sum())

    def forward(self, mel: Tensor) -> Tensor:
        c = self.config
        x = F.pad(normalise(mel).transpose(1, 2), (c.kernel - 1 - c.lookahead, c.lookahead))
        x = self.norm_in(self.embed(x).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        x = self.head(self.norm_out(x)).float()
        log_magnitude, phase = x.chunk(2, dim=-1)
        magnitude = log_magnitude.clamp(max=6.0).exp()
        return self._overlap_add(torch.complex(magnitude * phase.cos(), magnitude * phase.sin()))

    def _overlap_add(self, spectrum: Tensor) -> Tensor:
        frames = torch.fft.irfft(spectrum, self.config.n_fft, dim=-1) * (self.window * self.gain)
        samples = F.fold(
            frames.transpose(1, 2),
            output_size=(1, (frames.shape[1] - 1) * HOP + self.config.n_fft),
            kernel_size=(1, self.config.n_fft),
            stride=(1, HOP),
        )[:, 0, 0]
        edge = (self.config.n_fft - HOP) // 2
        return samples[:, edge : samples.shape[1] - edge]

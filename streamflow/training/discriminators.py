"""Small complex-STFT discriminators (EnCodec, Défossez et al. 2022; MRD of Vocos) for training vocoders."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RESOLUTIONS = ((1024, 256), (512, 128), (256, 64))  # (FFT size, hop) in samples


class StftDiscriminator(nn.Module):
    """Judges the complex spectrogram at one resolution: samples ``[B, n]`` to a score map and its feature maps."""

    def __init__(self, n_fft: int, hop: int, channels: int = 16):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        norm = nn.utils.parametrizations.weight_norm
        convs = [norm(nn.Conv2d(2, channels, (3, 9), stride=(1, 2), padding=(1, 4)))]
        for dilation in (1, 2, 4):
            convs.append(
                norm(
                    nn.Conv2d(channels, channels, (3, 9), stride=(1, 2), dilation=(dilation, 1), padding=(dilation, 4))
                )
            )
        self.convs = nn.ModuleList(convs)
        self.score = norm(nn.Conv2d(channels, 1, (3, 3), padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = torch.stft(audio, self.n_fft, self.hop, window=self.window, return_complex=True)
        # a power law brings the soft parts, where buzz hides, into the discriminator's range
        magnitude = spectrum.abs().clamp_min(1e-5)
        scaled = spectrum * magnitude**-0.5
        x = torch.stack([scaled.real, scaled.imag], dim=1).transpose(2, 3)  # [B, 2, T, F]
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
            features.append(x)
        return self.score(x), features


class Discriminators(nn.Module):
    """One discriminator a resolution."""

    def __init__(self, channels: int = 16):
        super().__init__()
        self.each = nn.ModuleList(StftDiscriminator(n, h, channels) for n, h in RESOLUTIONS)

    def forward(self, audio: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        return [d(audio) for d in self.each]


def discriminator_loss(real: list, fake: list) -> Tensor:
    """Hinge loss (Lim & Ye 2017)."""
    return sum((F.relu(1 - r).mean() + F.relu(1 + f).mean()) for (r, _), (f, _) in zip(real, fake, strict=True)) / len(
        real
    )


def generator_losses(real: list, fake: list) -> tuple[Tensor, Tensor]:
    """Adversarial hinge loss and feature matching relative to the size of the real features."""
    adversarial = sum(F.relu(1 - f).mean() for f, _ in fake) / len(fake)
    matching = torch.zeros(())
    for (_, r), (_, f) in zip(real, fake, strict=True):
        for a, b in zip(r, f, strict=True):
            matching = matching + (a.detach() - b).abs().mean() / a.detach().abs().mean().clamp_min(1e-3)
    return adversarial, matching / (len(real) * len(real[0][1]))

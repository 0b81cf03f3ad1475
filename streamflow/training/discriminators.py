"""Discriminators for training vocoders: small complex-STFT ones for a CPU, and BigVGAN's.

All take samples ``[B, n]`` to one (score map, feature maps) each.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio import SAMPLE_RATE
from ..errors import StreamflowError
from .constant_q import ConstantQ, Doubled

RESOLUTIONS = ((1024, 256), (512, 128), (256, 64))  # (FFT size, hop) in samples
PERIODS = (2, 3, 5, 7, 11)  # samples
BIGVGAN_RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # (FFT size, hop, window) in samples
# Published are nine octaves, for 24 and 44 kHz; at 16 kHz the ninth, 8.4 to 16.7 kHz, would hold nothing.
OCTAVES = 8
CONSTANT_Q = ((512, 24), (256, 36), (256, 48))  # (hop at twice the rate in samples, bins an octave)
Judgement = list[tuple[Tensor, list[Tensor]]]
norm = nn.utils.parametrizations.weight_norm


class StftDiscriminator(nn.Module):
    """Judges the complex spectrogram at one resolution (EnCodec, Défossez et al. 2022; MRD of Vocos)."""

    def __init__(self, n_fft: int, hop: int, channels: int = 16):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
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


class PeriodDiscriminator(nn.Module):
    """Judges every p-th sample side by side (HiFi-GAN, Kong et al. 2020, section 2.3)."""

    def __init__(self, period: int, channels: int = 32):
        super().__init__()
        self.period = period
        widths = [1, *(min(channels * 4**i, 32 * channels) for i in range(4)), 32 * channels]
        self.convs = nn.ModuleList(
            norm(nn.Conv2d(a, b, (5, 1), (3 if i < 4 else 1, 1), padding=(2, 0)))
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        )
        self.score = norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = F.pad(audio[:, None], (0, -audio.shape[1] % self.period), mode="reflect")
        return _judge(x.unflatten(2, (-1, self.period)), self.convs, self.score)


class ResolutionDiscriminator(nn.Module):
    """Judges the magnitude spectrogram at one resolution (UnivNet, Jang et al. 2021), as BigVGAN's first version does."""

    def __init__(self, n_fft: int, hop: int, window: int, channels: int = 32):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", F.pad(torch.hann_window(window), _centred(n_fft - window)), persistent=False)
        strides = ((1, 1), (1, 2), (1, 2), (1, 2), (1, 1))
        kernels = ((3, 9), (3, 9), (3, 9), (3, 9), (3, 3))
        self.convs = nn.ModuleList(
            norm(nn.Conv2d(1 if i == 0 else channels, channels, k, s, padding=(k[0] // 2, k[1] // 2)))
            for i, (k, s) in enumerate(zip(kernels, strides, strict=True))
        )
        self.score = norm(nn.Conv2d(channels, 1, (3, 3), padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        edge = (self.n_fft - self.hop) // 2
        x = F.pad(audio[:, None], (edge, edge), mode="reflect")[:, 0]
        x = torch.stft(x, self.n_fft, self.hop, window=self.window, center=False, return_complex=True)
        magnitude = torch.sqrt(x.real.square() + x.imag.square() + 1e-9)  # abs() has no gradient at zero
        return _judge(magnitude[:, None].transpose(2, 3), self.convs, self.score)


class ConstantQDiscriminator(nn.Module):
    """Judges real and imaginary parts of the constant-Q transform (MS-SB-CQTD, Gu et al. 2024; BigVGAN's second version).

    Frames of low octaves look over longer times than those of high ones, so each octave has a convolution of its own
    before the ones that all share. The transform is that of the wave at twice its rate, since the highest bins lie
    above half of its own.
    """

    def __init__(self, hop: int, bins: int, channels: int = 32, octaves: int = OCTAVES, rate: int = SAMPLE_RATE):
        super().__init__()
        self.bins = bins
        self.doubled, self.transform = Doubled(), ConstantQ(2 * rate, hop, octaves, bins)
        self.apart = nn.ModuleList(nn.Conv2d(2, 2, (3, 9), padding=(1, 4)) for _ in range(octaves))
        strided = [
            norm(nn.Conv2d(channels, channels, (3, 9), (1, 2), padding=(dilation, 4), dilation=(dilation, 1)))
            for dilation in (1, 2, 4)
        ]
        first, last = nn.Conv2d(2, channels, (3, 9), padding=(1, 4)), norm(nn.Conv2d(channels, channels, 3, padding=1))
        self.convs = nn.ModuleList([first, *strided, last])
        self.score = norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        octaves = self.transform(self.doubled(audio)).split(self.bins, dim=3)
        x = torch.cat([conv(octave) for conv, octave in zip(self.apart, octaves, strict=True)], dim=3)
        score, features = _judge(x, self.convs, self.score)
        return score, features[:-1]  # as published, the score is not among what is matched


def _centred(room: int) -> tuple[int, int]:
    return room // 2, room - room // 2


def _judge(x: Tensor, convs: nn.ModuleList, score: nn.Module) -> tuple[Tensor, list[Tensor]]:
    features = []
    for conv in convs:
        x = F.leaky_relu(conv(x), 0.1)
        features.append(x)
    x = score(x)
    return x.flatten(1), [*features, x]


class Discriminators(nn.Module):
    """One complex-STFT discriminator a resolution."""

    def __init__(self, channels: int = 16):
        super().__init__()
        self.each = nn.ModuleList(StftDiscriminator(n, h, channels) for n, h in RESOLUTIONS)

    def forward(self, audio: Tensor) -> Judgement:
        return [d(audio) for d in self.each]


SPECTRAL = {"v1": (ResolutionDiscriminator, BIGVGAN_RESOLUTIONS), "v2": (ConstantQDiscriminator, CONSTANT_Q)}


class BigVGANDiscriminators(nn.Module):
    """One discriminator a period, and three of the spectrum.

    Those are ``v2``: of constant-Q transforms, as in the second version's code; or ``v1``: of three resolutions (BigVGAN,
    Lee et al. 2023, section 3.4).

    Raises:
        StreamflowError: another version.
    """

    def __init__(self, channels: int = 32, version: str = "v2"):
        super().__init__()
        if version not in SPECTRAL:
            raise StreamflowError(f"unknown discriminators {version}; choose one of {', '.join(SPECTRAL)}")
        kind, scales = SPECTRAL[version]
        periods = [PeriodDiscriminator(period, channels) for period in PERIODS]
        self.each = nn.ModuleList([*periods, *(kind(*scale, channels) for scale in scales)])

    def forward(self, audio: Tensor) -> Judgement:
        return [d(audio) for d in self.each]


def discriminator_loss(real: Judgement, fake: Judgement) -> Tensor:
    """Hinge loss (Lim & Ye 2017)."""
    return sum((F.relu(1 - r).mean() + F.relu(1 + f).mean()) for (r, _), (f, _) in zip(real, fake, strict=True)) / len(
        real
    )


def generator_losses(real: Judgement, fake: Judgement) -> tuple[Tensor, Tensor]:
    """Adversarial hinge loss and feature matching relative to the size of the real features."""
    adversarial = sum(F.relu(1 - f).mean() for f, _ in fake) / len(fake)
    matching = fake[0][0].new_zeros((), dtype=torch.float32)
    for (_, r), (_, f) in zip(real, fake, strict=True):
        for a, b in zip(r, f, strict=True):
            matching = matching + (a.detach() - b).abs().mean() / a.detach().abs().mean().clamp_min(1e-3)
    return adversarial, matching / (len(real) * len(real[0][1]))


def least_squares_judge(real: Judgement, fake: Judgement) -> Tensor:
    """What BigVGAN's discriminators minimise (LSGAN, Mao et al. 2017): real to 1, fake to 0, summed over them."""
    return sum((1 - r).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake, strict=True))


def least_squares_generator(real: Judgement, fake: Judgement) -> tuple[Tensor, Tensor]:
    """What BigVGAN's generator minimises beside its mel loss: fake to 1, and L1 of the features, both summed."""
    adversarial = sum((1 - f).square().mean() for f, _ in fake)
    pairs = [(a.detach(), b) for (_, r), (_, f) in zip(real, fake, strict=True) for a, b in zip(r, f, strict=True)]
    return adversarial, sum((a - b).abs().mean() for a, b in pairs)

"""A BigVGAN of random weights that let the signal through, and a mel for it."""

from __future__ import annotations

import torch

from streamflow.vocoders.bigvgan import BigVGAN
from streamflow.vocoders.bigvgan_config import PRESETS, BigVGANConfig

TINY = PRESETS["tiny"]


def lively(config: BigVGANConfig, seed: int = 0) -> BigVGAN:
    """A generator with random weights that let the signal through: as made, it all but whispers."""
    generator = BigVGAN(config).eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            spread = 0.3 if parameter.ndim == 1 else (parameter.shape[1] * parameter.shape[2]) ** -0.5
            spread *= 0.3 if name.startswith("conv_post") else 1.0
            parameter += spread * torch.randn(parameter.shape, generator=random)
    return generator


def noise_mel(frames: int, bands: int = 80, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, frames, bands, generator=torch.Generator().manual_seed(seed)) * 2 - 5

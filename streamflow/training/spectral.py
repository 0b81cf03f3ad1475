"""Spectral distances between waves that a vocoder learns from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..audio import SAMPLE_RATE
from ..mel import mel_filterbank

MEL_SCALES = ((32, 5), (64, 10), (128, 20), (256, 40), (512, 80), (1024, 160), (2048, 320))  # (window, bands)


class SpectralLoss(nn.Module):
    """Log-magnitude L1 and spectral convergence at several resolutions (Parallel WaveGAN, Yamamoto et al. 2020)."""

    sizes = ((2048, 320), (1024, 160), (512, 80), (256, 48))

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        total = torch.zeros((), device=fake.device)
        for n_fft, hop in self.sizes:
            window = torch.hann_window(n_fft, device=fake.device)
            a = _magnitude(fake, n_fft, hop, window, 1e-7)
            b = _magnitude(real, n_fft, hop, window, 1e-7)
            convergence = (a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2)).clamp_min(1e-3)
            total = total + (a.log() - b.log()).abs().mean() + convergence.mean()
        return total / len(self.sizes)


class MultiScaleMel(nn.Module):
    """L1 of decadic log-mel at seven scales, summed (Kumar et al. 2023, DAC; BigVGAN's second version): ``[B, n]`` each."""

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        total = torch.zeros((), device=fake.device)
        for n_fft, bands in MEL_SCALES:
            window = torch.hann_window(n_fft, device=fake.device)
            filters = mel_filterbank(SAMPLE_RATE, n_fft, bands).to(fake.device)
            a, b = (
                torch.einsum("mf,bft->bmt", filters, _magnitude(x, n_fft, n_fft // 4, window, 1e-9))
                .clamp_min(1e-5)
                .log10()
                for x in (fake, real)
            )
            total = total + (a - b).abs().mean()
        return total


def _magnitude(wave: Tensor, n_fft: int, hop: int, window: Tensor, floor: float) -> Tensor:
    """Magnitudes of one wave; of two joined, the half that needs no gradient would be differentiated as well."""
    spectrum = torch.stft(wave, n_fft, hop, window=window, return_complex=True)
    return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + floor)

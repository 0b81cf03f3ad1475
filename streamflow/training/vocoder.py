"""Trains a vocoder: multi-resolution STFT and mel losses, then discriminators as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..mel import HOP, log_mel
from .data import Speech, draw_crops, generator
from .discriminators import Discriminators, discriminator_loss, generator_losses
from .loop import Loop, LoopConfig, optimizers_for


@dataclass(frozen=True)
class VocoderTraining:
    """Batch of ``batch`` crops of ``frames`` frames; discriminators join at the share ``adversarial_from`` of the steps.

    1 is never: on a CPU they take two thirds of the time, and after 500 steps they told real from synthetic no better
    than chance, while the spectral losses alone were still gaining.
    """

    batch: int = 8
    frames: int = 128
    rate: float = 1e-3
    adversarial_from: float = 1.0
    mel_weight: float = 5.0
    matching_weight: float = 2.0


class SpectralLoss(nn.Module):
    """Log-magnitude L1 and spectral convergence at several resolutions (Parallel WaveGAN, Yamamoto et al. 2020)."""

    sizes = ((2048, 320), (1024, 160), (512, 80), (256, 48))

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        total = torch.zeros(())
        for n_fft, hop in self.sizes:
            window = torch.hann_window(n_fft, device=fake.device)
            both = torch.stft(torch.cat([fake, real]), n_fft, hop, window=window, return_complex=True)
            a, b = torch.sqrt(both.real.square() + both.imag.square() + 1e-7).chunk(2)
            convergence = (a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2)).clamp_min(1e-3)
            total = total + (a.log() - b.log()).abs().mean() + convergence.mean()
        return total / len(self.sizes)


def train_vocoder(
    vocoder: nn.Module, speech: Speech, out: str | Path, config: LoopConfig, training: VocoderTraining | None = None
) -> nn.Module:
    """Train ``vocoder`` (log-mel ``[B, T, 80]`` to samples ``[B, 160 T]``) and return it with the averaged weights.

    The level of each crop is varied by up to 6 dB, so that the vocoder does not depend on the loading loudness.
    """
    t = training or VocoderTraining()
    discriminators, spectral = Discriminators(), SpectralLoss()
    optimizer = optimizers_for(vocoder, t.rate, muon=False)[0]
    judge = optimizers_for(discriminators, 3e-4, muon=False)[0]
    lengths = np.array([len(a) // HOP for a in speech.audio])
    join = int(config.steps * t.adversarial_from)

    def batch_of(step: int) -> Tensor:
        rng = generator(config.seed, step)
        crops = draw_crops(lengths, t.frames, t.batch, rng)
        audio = np.stack([speech.samples(i)[s * HOP : (s + t.frames) * HOP] for i, s in crops])
        gains = 10 ** (rng.uniform(-6, 3, size=(t.batch, 1)) / 20)
        return torch.from_numpy(np.clip(audio * gains, -1, 1).astype(np.float32))

    def step_function(step: int) -> dict[str, float]:
        real = batch_of(step)
        with torch.no_grad():
            mel = log_mel(real)
        with torch.autocast("cpu", torch.bfloat16):
            fake = vocoder(mel)
        spectral_loss = spectral(fake, real)
        mel_loss = (log_mel(fake) - mel).abs().mean()
        loss = spectral_loss + t.mel_weight * mel_loss / 5
        adversarial = matching = judged = torch.zeros(())
        if step >= join:
            with torch.autocast("cpu", torch.bfloat16):
                of_real, of_fake = discriminators(real), discriminators(fake.detach())
            judged = discriminator_loss(of_real, of_fake)
            judge.zero_grad()
            judged.backward()
            judge.step()
            with torch.autocast("cpu", torch.bfloat16):
                of_fake = discriminators(fake)
            adversarial, matching = generator_losses([(s.detach(), f) for s, f in of_real], of_fake)
            loss = loss + 0.25 * adversarial + t.matching_weight * matching
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(vocoder.parameters(), 1.0)
        optimizer.step()
        return {
            "spectral": spectral_loss,
            "mel": mel_loss,
            "adversarial": adversarial,
            "matching": matching,
            "discriminator": judged,
        }

    modules = {"vocoder": vocoder, "discriminators": discriminators}
    loop = Loop(out, config, modules, [optimizer, judge], averaged=("vocoder",), settings=vars(t))
    loop.resume()
    loop.run(step_function)
    vocoder.load_state_dict(loop.averages["vocoder"].state)
    return vocoder

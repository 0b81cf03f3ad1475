"""Trains a vocoder: spectral losses, then discriminators as well; or BigVGAN's recipe, discriminators from the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import StreamflowError
from ..mel import HOP, log_mel
from ..vocoders import default_card
from .adversarial import AdversarialUpdate
from .data import Speech, draw_crops, generator
from .discriminators import (
    BigVGANDiscriminators,
    Discriminators,
    Judgement,
    discriminator_loss,
    generator_losses,
    least_squares_generator,
    least_squares_judge,
)
from .feed import Feed
from .hardware import Hardware
from .loop import Loop, LoopConfig, optimizers_for
from .spectral import MultiScaleMel, SpectralLoss


@dataclass(frozen=True)
class VocoderTraining:
    """Batch of ``batch`` crops of ``frames`` frames; discriminators join at the share ``adversarial_from`` of the steps.

    The vocoder looks 54 frames back: in a crop of 192 most frames have all of their past.

    1 is never: on a CPU they take two thirds of the time, and after 500 steps they told real from synthetic no better
    than chance, while the spectral losses alone were still gaining.
    """

    batch: int = 6
    frames: int = 192
    rate: float = 1e-3
    adversarial_from: float = 1.0
    mel_weight: float = 5.0
    matching_weight: float = 2.0


@dataclass(frozen=True)
class BigVGANTraining(VocoderTraining):
    """BigVGAN's published settings (v2): multi-scale mel loss times 15, feature matching times 2, from the first step.

    A crop is 2.72 s, as 65536 samples at 24 kHz are; the first version's 8192 are 34 frames, in which the low octaves of
    the constant-Q transform would see mostly silence. ``discriminators`` is ``v2`` or ``v1``, the first version's three
    resolutions. ``discriminator_channels`` 32 is the width of both papers; NVIDIA's weights were trained with 128 in the
    constant-Q ones, at sixteen times the cost. The rate is warmed up by the loop, which the paper does not do.
    """

    batch: int = 32
    frames: int = 272
    rate: float = 1e-4
    adversarial_from: float = 0.0
    mel_weight: float = 15.0
    discriminator_channels: int = 32
    discriminators: str = "v2"


@dataclass(frozen=True)
class Recipe:
    """What to descend: ``reconstruct(fake, real, mel)`` gives named losses, the first of which is the objective's."""

    discriminators: nn.Module
    reconstruct: Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]
    judge: Callable[[Judgement, Judgement], Tensor]
    adversarial: Callable[[Judgement, Judgement], tuple[Tensor, Tensor]]
    adversarial_weight: float
    matching_weight: float
    betas: tuple[float, float]
    judge_rate: float
    clip: float
    judge_clip: float = field(default=float("inf"))


def recipe_of(training: VocoderTraining) -> Recipe:
    """The recipe that the training's kind names."""
    if isinstance(training, BigVGANTraining):
        mel_loss = MultiScaleMel()

        def by_mel(fake: Tensor, real: Tensor, mel: Tensor) -> dict[str, Tensor]:
            distance = mel_loss(fake, real)
            return {"reconstruction": training.mel_weight * distance, "mel": distance}

        return Recipe(
            BigVGANDiscriminators(training.discriminator_channels, training.discriminators),
            by_mel,
            least_squares_judge,
            least_squares_generator,
            adversarial_weight=1.0,
            matching_weight=training.matching_weight,
            betas=(0.8, 0.99),
            judge_rate=training.rate,
            clip=500.0,
            judge_clip=500.0,
        )
    spectral = SpectralLoss()

    def by_spectrum(fake: Tensor, real: Tensor, mel: Tensor) -> dict[str, Tensor]:
        of_spectrum, of_mel = spectral(fake, real), (log_mel(fake) - mel).abs().mean()
        total = of_spectrum + training.mel_weight * of_mel / 5
        return {"reconstruction": total, "spectral": of_spectrum, "mel": of_mel}

    return Recipe(
        Discriminators(),
        by_spectrum,
        discriminator_loss,
        generator_losses,
        adversarial_weight=0.25,
        matching_weight=training.matching_weight,
        betas=(0.9, 0.98),
        judge_rate=3e-4,
        clip=1.0,
    )


class VocoderBatches:
    """Crops of samples, the level of each varied from -6 to +3 dB; no longer than the longest recording."""

    def __init__(self, speech: Speech, seed: int, training: VocoderTraining, hardware: Hardware):
        self.speech, self.seed, self.training, self.group = speech, seed, training, hardware.group
        self.lengths = speech.lengths // HOP
        self.frames = min(training.frames, int(self.lengths.max()))

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        t, rng = self.training, generator(self.seed, step)
        crops = draw_crops(self.lengths, self.frames, t.batch, rng)
        gains = 10 ** (rng.uniform(-6, 3, size=(t.batch, 1)) / 20)
        rows, weight = self.group.share(t.batch)
        mine = slice(rows.start, rows.stop)
        audio = np.stack([self.speech.samples(i)[s * HOP : (s + self.frames) * HOP] for i, s in crops[mine]])
        return {
            "audio": torch.from_numpy(np.clip(audio * gains[mine], -1, 1).astype(np.float32)),
            "weight": torch.tensor(weight),
            "crops": torch.tensor(crops),
        }


def train_vocoder(
    vocoder: nn.Module,
    speech: Speech,
    out: str | Path,
    config: LoopConfig,
    training: VocoderTraining | None = None,
    hardware: Hardware | None = None,
) -> nn.Module:
    """Train ``vocoder`` (log-mel ``[B, T, 80]`` to samples ``[B, 160 T]``) and return it with the averaged weights.

    The level of each crop is varied, so that the vocoder does not depend on the loading loudness.

    Raises:
        StreamflowError: the vocoder's hop is not the log-mel's.
    """
    t, hardware = training or VocoderTraining(), hardware or Hardware()
    if vocoder.hop != HOP:
        raise StreamflowError(f"the vocoder makes {vocoder.hop} samples a frame; train one that makes {HOP}")
    recipe = recipe_of(t)
    vocoder, discriminators = vocoder.to(hardware.device), recipe.discriminators.to(hardware.device)
    optimizers = [
        optimizers_for(vocoder, t.rate, muon=False, betas=recipe.betas)[0],
        optimizers_for(discriminators, recipe.judge_rate, muon=False, betas=recipe.betas)[0],
    ]
    feed = Feed(VocoderBatches(speech, config.seed, t, hardware), hardware)
    loop = Loop(
        out,
        config,
        {"vocoder": vocoder, "discriminators": discriminators},
        optimizers,
        averaged=("vocoder",),
        settings=vars(t),
        hardware=hardware,
        feed=feed,
    )
    loop.resume()
    update = AdversarialUpdate(vocoder, recipe, optimizers, hardware)

    def step_function(step: int) -> dict[str, Tensor]:
        batch = feed(step)
        joined = step >= int(loop.config.steps * t.adversarial_from)
        return update(batch["audio"], float(batch["weight"]), joined)

    loop.run(step_function)
    vocoder.load_state_dict(loop.averages["vocoder"].state)
    return vocoder.cpu()


def vocoder_card(kind: str, size: str) -> dict:
    """The entry in bundle.json of a new vocoder: ``vocos``, or ``bigvgan`` as ``base``, ``small`` or ``tiny``.

    Raises:
        StreamflowError: a size that there is not.
    """
    card = default_card(kind)
    if kind != "bigvgan":
        if size != "small":
            raise StreamflowError(f"there is no {size} {kind}, only small; leave --size out")
        return card
    from dataclasses import asdict

    from ..vocoders.bigvgan_config import PRESETS

    published = PRESETS["16khz_80band_160x_short"]
    sizes = {
        "base": published,  # 14 M parameters
        "small": replace(published, upsample_initial_channel=320),
        "tiny": PRESETS["tiny"],
    }
    if size not in sizes:
        raise StreamflowError(f"unknown size {size} of bigvgan; choose one of {', '.join(sizes)}")
    return {**card, **asdict(sizes[size])}

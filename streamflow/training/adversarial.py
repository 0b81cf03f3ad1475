"""One update of a vocoder and of the discriminators that judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..mel import log_mel
from .hardware import Hardware

if TYPE_CHECKING:
    from .vocoder import Recipe


class AdversarialUpdate:
    """Discriminators first, on a wave without gradient, then the vocoder, which they judge as they have become.

    In pieces and processes the gradients are those of the mean over the whole batch.
    """

    def __init__(self, vocoder: nn.Module, recipe: Recipe, optimizers: list, hardware: Hardware):
        self.recipe, self.hardware = recipe, hardware
        self.plain_vocoder, self.plain_judge = vocoder, recipe.discriminators
        self.vocoder, self.judge = hardware.wrap(vocoder), hardware.wrap(recipe.discriminators)
        self.optimizer, self.judge_optimizer = optimizers

    def __call__(self, audio: Tensor, weight: float, joined: bool) -> dict[str, Tensor]:
        """Update from this process's rows ``[B, n]``, which count ``weight``; ``joined``: the discriminators take part."""
        with torch.no_grad():
            mel = log_mel(audio)
        pieces = min(self.hardware.accumulate, len(audio))
        cuts = [(len(audio) * p // pieces, len(audio) * (p + 1) // pieces) for p in range(pieces)]
        parts = [(audio[a:b], mel[a:b], weight * (b - a) / len(audio)) for a, b in cuts]
        self.optimizer.zero_grad()
        self.judge_optimizer.zero_grad()
        judged = audio.new_zeros(())
        waves = []
        for i, (real, part, factor) in enumerate(parts):
            with self.hardware.local(self.vocoder, i == pieces - 1), self.hardware.autocast():
                # one forward serves both updates; with pieces it would have to be kept for all of them
                fake = self.vocoder(part) if pieces == 1 else self._without_gradient(part)
            waves.append(fake.float())
            if joined:
                judged = judged + self._teach(real, waves[-1].detach(), factor, i == pieces - 1)
        if joined:
            nn.utils.clip_grad_norm_(self.plain_judge.parameters(), self.recipe.judge_clip)
            self.judge_optimizer.step()
        totals: dict[str, Tensor] = {}
        for i, (real, part, factor) in enumerate(parts):
            with self.hardware.local(self.vocoder, i == pieces - 1):
                if pieces > 1:
                    with self.hardware.autocast():
                        waves[i] = self.vocoder(part).float()
                for name, value in self._learn(real, part, waves[i], factor, joined).items():
                    totals[name] = totals.get(name, 0.0) + value * factor
        nn.utils.clip_grad_norm_(self.plain_vocoder.parameters(), self.recipe.clip)
        self.optimizer.step()
        return totals | {"discriminator": judged}

    def _without_gradient(self, mel: Tensor) -> Tensor:
        with torch.no_grad():
            return self.plain_vocoder(mel)

    def _teach(self, real: Tensor, fake: Tensor, factor: float, last: bool) -> Tensor:
        """Discriminators' gradients from one piece."""
        self.plain_judge.requires_grad_(True)
        with self.hardware.local(self.judge, last):
            with self.hardware.autocast():
                both = self.judge(torch.cat([real, fake]))
            loss = self.recipe.judge(*_halves(both)) * factor
            loss.backward()
        return loss.detach()

    def _learn(self, real: Tensor, mel: Tensor, fake: Tensor, factor: float, joined: bool) -> dict[str, Tensor]:
        """The vocoder's gradients from one piece, and its losses."""
        losses = self.recipe.reconstruct(fake, real, mel)
        total = losses["reconstruction"]
        adversarial = matching = fake.new_zeros(())
        if joined:
            self.plain_judge.requires_grad_(False)  # judged by, not taught
            with self.hardware.autocast():
                with torch.no_grad():
                    of_real = self.plain_judge(real)
                of_fake = self.plain_judge(fake)
            adversarial, matching = self.recipe.adversarial(of_real, of_fake)
            total = total + self.recipe.adversarial_weight * adversarial + self.recipe.matching_weight * matching
            self.plain_judge.requires_grad_(True)
        (total * factor).backward()
        named = {k: v for k, v in losses.items() if k != "reconstruction"}
        return {k: v.detach() for k, v in (named | {"adversarial": adversarial, "matching": matching}).items()}


def _halves(judgements: list) -> tuple[list, list]:
    """Judgements of a batch of real and fake waves, apart."""
    real, fake = [], []
    for score, features in judgements:
        real.append((score.chunk(2)[0], [f.chunk(2)[0] for f in features]))
        fake.append((score.chunk(2)[1], [f.chunk(2)[1] for f in features]))
    return real, fake

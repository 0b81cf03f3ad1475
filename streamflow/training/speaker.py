"""Trains the speaker encoder to tell the readers apart (additive angular margin: Deng et al., CVPR 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..mel import HOP, log_mel
from ..speaker import SpeakerEncoder
from .data import Speech, generator
from .loop import Loop, LoopConfig, optimizers_for


@dataclass(frozen=True)
class SpeakerTraining:
    """Batch of ``batch`` crops of ``frames`` frames; margin in radians."""

    batch: int = 32
    frames: int = 150
    rate: float = 1e-3
    margin: float = 0.2
    scale: float = 30.0


def angular_margin_loss(cosines: torch.Tensor, labels: torch.Tensor, margin: float, scale: float) -> torch.Tensor:
    """Cross-entropy over ``scale * cos(angle)`` with ``margin`` added to the right class's angle."""
    angle = cosines.clamp(-1 + 1e-6, 1 - 1e-6).acos()
    right = F.one_hot(labels, cosines.shape[1]).bool()
    return F.cross_entropy(scale * torch.where(right, (angle + margin).clamp(max=torch.pi), angle).cos(), labels)


def train_speaker(
    encoder: SpeakerEncoder,
    speech: Speech,
    out: str | Path,
    config: LoopConfig,
    training: SpeakerTraining | None = None,
) -> SpeakerEncoder:
    """Train on crops drawn evenly over speakers, with random spectral tilt and masked bands; returns the encoder."""
    t = training or SpeakerTraining()
    names = sorted(set(speech.speakers))
    by_speaker = [[i for i, s in enumerate(speech.speakers) if s == name] for name in names]
    classes = nn.Linear(encoder.config.embedding, len(names), bias=False)
    both = nn.ModuleList([encoder, classes])
    optimizers = optimizers_for(both, t.rate, muon=False, weight_decay=0.05)

    def step_function(step: int) -> dict[str, float]:
        rng = generator(config.seed, step)
        labels = rng.choice(len(names), size=t.batch, replace=t.batch > len(names))
        crops = []
        for label in labels:
            samples = speech.samples(int(rng.choice(by_speaker[label])))
            samples = np.resize(samples, max(len(samples), t.frames * HOP))
            start = int(rng.integers(len(samples) - t.frames * HOP + 1))
            crops.append(samples[start : start + t.frames * HOP])
        mel = log_mel(np.stack(crops))
        tilt = torch.linspace(-1, 1, mel.shape[2]) * torch.from_numpy(rng.normal(0, 0.3, (t.batch, 1, 1))).float()
        mel = mel + tilt
        for row in mel:
            band = int(rng.integers(0, 70))
            row[:, band : band + int(rng.integers(0, 10))] = row.mean()
        target = torch.from_numpy(labels)
        with torch.autocast("cpu", torch.bfloat16):
            embedding = encoder(mel)
        cosines = embedding @ F.normalize(classes.weight, dim=1).T
        loss = angular_margin_loss(cosines, target, t.margin, t.scale)
        both.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 5.0)
        for optimizer in optimizers:
            optimizer.step()
        return {"loss": loss, "accuracy": (cosines.argmax(1) == target).float().mean()}

    loop = Loop(
        out, config, {"speaker": encoder, "classes": classes}, optimizers, averaged=("speaker",), settings=vars(t)
    )
    loop.resume()
    encoder.train()
    loop.run(step_function)
    encoder.load_state_dict(loop.averages["speaker"].state)
    return encoder.eval()

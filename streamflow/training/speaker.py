"""Trains the speaker encoder to tell the readers apart (additive angular margin: Deng et al., CVPR 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import StreamflowError
from ..mel import BANDS, HOP, log_mel
from ..speaker import SpeakerEncoder
from .data import Speech, generator
from .feed import Feed
from .hardware import Hardware
from .loop import Loop, LoopConfig, optimizers_for
from .update import Update


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


class SpeakerBatches:
    """Crops drawn evenly over speakers, and how each is to be disguised: a spectral tilt and a masked band."""

    def __init__(self, speech: Speech, seed: int, training: SpeakerTraining, hardware: Hardware):
        self.speech, self.seed, self.training, self.group = speech, seed, training, hardware.group
        recordings: dict[str, list[int]] = {}
        for index, name in enumerate(speech.speakers):
            recordings.setdefault(name, []).append(index)
        self.names = sorted(recordings)
        self.by_speaker = [recordings[name] for name in self.names]

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        t, rng = self.training, generator(self.seed, step)
        labels = rng.choice(len(self.names), size=t.batch, replace=t.batch > len(self.names))
        crops = []
        for label in labels:
            index = int(rng.choice(self.by_speaker[label]))
            length = max(int(self.speech.lengths[index]), t.frames * HOP)
            crops.append((index, int(rng.integers(length - t.frames * HOP + 1))))
        tilt = rng.normal(0, 0.3, (t.batch, 1, 1))
        bands = [(low := int(rng.integers(0, 70)), low + int(rng.integers(0, 10))) for _ in labels]
        rows, weight = self.group.share(t.batch)
        mine = slice(rows.start, rows.stop)
        return {
            "audio": torch.from_numpy(np.stack([self._cut(*crop) for crop in crops[mine]])),
            "labels": torch.from_numpy(labels[mine]),
            "tilt": torch.from_numpy(tilt[mine]).float(),
            "bands": torch.tensor(bands[mine]),
            "weight": torch.tensor(weight),
            "crops": torch.tensor(crops),
        }

    def _cut(self, index: int, start: int) -> np.ndarray:
        samples, wanted = self.speech.samples(index), self.training.frames * HOP
        return np.resize(samples, max(len(samples), wanted))[start : start + wanted]


class SpeakerObjective(nn.Module):
    """Angular margin loss over the speakers of the training.

    Batch normalisation sees the rows of one process and one piece, so these change the result here.
    """

    def __init__(self, both: nn.ModuleList, training: SpeakerTraining, hardware: Hardware):
        super().__init__()
        self.both, self.training, self.hardware = both, training, hardware

    def forward(self, audio: Tensor, labels: Tensor, tilt: Tensor, bands: Tensor) -> dict[str, Tensor]:
        """Of samples ``[B, n]``, int64 labels ``[B]``, tilts ``[B, 1, 1]`` and masked bands ``[B, 2]`` (from, to)."""
        encoder, classes = self.both
        mel = disguised(log_mel(audio), tilt, bands)
        with self.hardware.autocast():
            embedding = encoder(mel)
        cosines = embedding @ F.normalize(classes.weight, dim=1).T
        loss = angular_margin_loss(cosines, labels, self.training.margin, self.training.scale)
        return {"loss": loss, "accuracy": (cosines.argmax(1) == labels).float().mean()}


def disguised(mel: Tensor, tilt: Tensor, bands: Tensor) -> Tensor:
    """Log-mel ``[B, T, 80]`` with a tilt over the bands added and the bands from ``bands[:, 0]`` to the other masked."""
    mel = mel + torch.linspace(-1, 1, mel.shape[2], device=mel.device) * tilt
    band = torch.arange(BANDS, device=mel.device)
    masked = (band >= bands[:, :1]) & (band < bands[:, 1:])
    return torch.where(masked[:, None], mel.mean(dim=(1, 2), keepdim=True), mel)


def train_speaker(
    encoder: SpeakerEncoder,
    speech: Speech,
    out: str | Path,
    config: LoopConfig,
    training: SpeakerTraining | None = None,
    hardware: Hardware | None = None,
) -> SpeakerEncoder:
    """Train on crops drawn evenly over speakers, with random spectral tilt and masked bands; returns the encoder."""
    t, hardware = training or SpeakerTraining(), hardware or Hardware()
    batches = SpeakerBatches(speech, config.seed, t, hardware)
    if len(batches.names) < 2:
        raise StreamflowError(f"one speaker, {batches.names[0]}, cannot be told from others; add a manifest with more")
    classes = nn.Linear(encoder.config.embedding, len(batches.names), bias=False)
    both = nn.ModuleList([encoder, classes]).to(hardware.device)
    optimizers = optimizers_for(both, t.rate, muon=False, weight_decay=0.05)
    feed = Feed(batches, hardware)
    modules = {"speaker": encoder, "classes": classes}
    loop = Loop(out, config, modules, optimizers, averaged=("speaker",), settings=vars(t), hardware=hardware, feed=feed)
    loop.resume()
    encoder.train()
    update = Update(SpeakerObjective(both, t, hardware), optimizers, both.parameters(), 5.0, hardware)

    def step_function(step: int) -> dict[str, Tensor]:
        batch = feed(step)
        return update(batch, float(batch.pop("weight")))

    loop.run(step_function)
    encoder.load_state_dict(loop.averages["speaker"].state)
    return encoder.cpu().eval()

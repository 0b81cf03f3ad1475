"""Trains the tokenizer to give the log-mel back, with most of the weight where there is sound to hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..speaker import SpeakerEncoder
from ..tokenizer import Tokenizer
from .data import Speech, draw_crops, generator
from .features import Features, make_features
from .feed import Feed
from .hardware import Hardware
from .loop import Loop, LoopConfig, optimizers_for
from .update import Update


@dataclass(frozen=True)
class TokenizerTraining:
    """Batch of ``batch`` crops of ``frames`` frames."""

    batch: int = 16
    frames: int = 256
    rate: float = 2e-3


def audibility(mel: Tensor) -> Tensor:
    """Weight of each log-mel bin, 0.2 to 1: bins some 50 dB below the loud ones of speech at -23 LUFS are masked or mute.

    Bits are few, and an unweighted L1 spends as many on silence as on vowels.
    """
    return 0.2 + 0.8 * torch.sigmoid((mel + 6.5) / 0.8)


class TokenizerBatches:
    """Crops of log-mel and the speaker embeddings of their recordings."""

    def __init__(self, features: Features, seed: int, training: TokenizerTraining, hardware: Hardware):
        self.features, self.seed, self.training, self.group = features, seed, training, hardware.group

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        t, f = self.training, self.features
        crops = draw_crops(f.lengths, t.frames, t.batch, generator(self.seed, step))
        rows, weight = self.group.share(len(crops))
        own = crops[rows.start : rows.stop]
        return {
            "mel": torch.stack([f.mels[i][s : s + t.frames] for i, s in own]).float(),
            "voices": f.speakers[[i for i, _ in own]],
            "weight": torch.tensor(weight),
            "crops": torch.tensor(crops),
        }


class TokenizerObjective(nn.Module):
    """Weighted L1 between the log-mel and what its tokens give back.

    The weights of a piece of a batch are normalised by the piece, so pieces and processes change the loss a little.
    """

    def __init__(self, tokenizer: Tokenizer, hardware: Hardware):
        super().__init__()
        self.tokenizer, self.hardware = tokenizer, hardware

    def forward(self, mel: Tensor, voices: Tensor) -> dict[str, Tensor]:
        """Of log-mel ``[B, T, 80]`` and speakers ``[B, D]``."""
        with self.hardware.autocast():
            guess = self.tokenizer.decode(self.tokenizer.encode(mel, voices), voices)
        weight = audibility(mel)
        distance = (guess - mel).abs()
        return {"loss": (weight * distance).sum() / weight.sum(), "l1": distance.mean()}


def train_tokenizer(
    tokenizer: Tokenizer,
    speaker: SpeakerEncoder,
    speech: Speech,
    out: str | Path,
    config: LoopConfig,
    training: TokenizerTraining | None = None,
    hardware: Hardware | None = None,
) -> Tokenizer:
    """Train encoder, quantiser and plain decoder together; the speaker encoder stays as it is."""
    t, hardware = training or TokenizerTraining(), hardware or Hardware()
    folder = Path(out) / "features" if speech.audio is None else None
    features = make_features(speech, speaker, None, hardware, folder)
    tokenizer = tokenizer.to(hardware.device)
    optimizers = optimizers_for(tokenizer, t.rate)
    feed = Feed(TokenizerBatches(features, config.seed, t, hardware), hardware)
    modules = {"tokenizer": tokenizer}
    loop = Loop(
        out, config, modules, optimizers, averaged=("tokenizer",), settings=vars(t), hardware=hardware, feed=feed
    )
    loop.resume()
    update = Update(TokenizerObjective(tokenizer, hardware), optimizers, tokenizer.parameters(), 1.0, hardware)

    def step_function(step: int) -> dict[str, Tensor]:
        batch = feed(step)
        return update(batch, float(batch.pop("weight")))

    loop.run(step_function)
    tokenizer.load_state_dict(loop.averages["tokenizer"].state)
    return tokenizer.cpu().eval()

"""Trains the tokenizer to give the log-mel back, with most of the weight where there is sound to hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..mel import FRAMES_PER_TOKEN, log_mel
from ..speaker import SpeakerEncoder
from ..tokenizer import Tokenizer
from .data import Speech, draw_crops, generator
from .loop import Loop, LoopConfig, optimizers_for
from .progress import track


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


def speech_features(speech: Speech, speaker: SpeakerEncoder) -> tuple[list[Tensor], Tensor]:
    """Log-mel ``[T, 80]`` as bfloat16, T a multiple of 4, of every recording, and the speaker embeddings ``[N, D]``."""
    mels, speakers = [], []
    for index in track(range(len(speech)), "log-mel and speaker embedding"):
        mel = log_mel(speech.samples(index))
        mels.append(mel[: len(mel) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN].to(torch.bfloat16))
        speakers.append(speaker.embed(speech.samples(index)))
    return mels, torch.stack(speakers)


def train_tokenizer(
    tokenizer: Tokenizer,
    speaker: SpeakerEncoder,
    speech: Speech,
    out: str | Path,
    config: LoopConfig,
    training: TokenizerTraining | None = None,
) -> Tokenizer:
    """Train encoder, quantiser and plain decoder together; the speaker encoder stays as it is."""
    t = training or TokenizerTraining()
    mels, speakers = speech_features(speech, speaker)
    lengths = np.array([len(m) for m in mels])
    optimizers = optimizers_for(tokenizer, t.rate)

    def step_function(step: int) -> dict[str, float]:
        crops = draw_crops(lengths, t.frames, t.batch, generator(config.seed, step))
        mel = torch.stack([mels[i][s : s + t.frames] for i, s in crops]).float()
        voices = speakers[[i for i, _ in crops]]
        with torch.autocast("cpu", torch.bfloat16):
            guess = tokenizer.decode(tokenizer.encode(mel, voices), voices)
        weight = audibility(mel)
        distance = (guess - mel).abs()
        loss = (weight * distance).sum() / weight.sum()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(tokenizer.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        return {"loss": loss, "l1": distance.mean()}

    loop = Loop(out, config, {"tokenizer": tokenizer}, optimizers, averaged=("tokenizer",), settings=vars(t))
    loop.resume()
    loop.run(step_function)
    tokenizer.load_state_dict(loop.averages["tokenizer"].state)
    return tokenizer.eval()

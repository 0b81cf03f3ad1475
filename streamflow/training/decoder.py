"""Trains the DiT: phase 1 with full attention, phase 2 one attention pattern at a time from phase 1's weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..adapters import add_adapters
from ..attention import AttentionPattern
from ..checkpoints import Bundle
from ..dit import DiT
from ..flow import training_pair
from ..mel import FRAMES_PER_TOKEN, normalise
from .data import Speech, draw_crops, generator
from .loop import Loop, LoopConfig, optimizers_for
from .progress import track
from .tokenizer import speech_features


@dataclass(frozen=True)
class DecoderTraining:
    """Crops of ``shortest`` to ``longest`` frames (log-uniform), as many as make ``frames`` in all.

    The longest must reach the utterances that will be decoded: full attention trained on 2 s alone decodes 10 s worse
    than a window of the same weights does. ``rank`` 0 trains all of the weights, else low-rank updates.
    """

    frames: int = 4096
    shortest: int = 96
    longest: int = 1200
    rate: float = 1e-3
    drop: float = 0.15
    rank: int = 0


@dataclass(frozen=True)
class DecoderFeatures:
    """What the DiT learns from: per recording log-mel ``[4 N, 80]``, tokens ``[N, K]``, speaker ``[D]``."""

    mels: list[Tensor]
    tokens: list[Tensor]
    speakers: Tensor


def decoder_features(bundle: Bundle, speech: Speech) -> DecoderFeatures:
    """Log-mel, tokens and speaker embedding of every recording, with the bundle's tokenizer and speaker encoder."""
    mels, speakers = speech_features(speech, bundle.speaker)
    pairs = zip(mels, speakers, strict=True)
    tokens = [bundle.tokenizer.tokenize(mel.float(), voice) for mel, voice in track(list(pairs), "tokens")]
    return DecoderFeatures(mels, tokens, speakers)


def loss_of(dit: DiT, pattern: AttentionPattern, mel: Tensor, tokens: Tensor, voices: Tensor, drop: float) -> Tensor:
    """Mean squared error of the velocity for a batch of equally long crops ``[B, T, 80]``."""
    t, noisy, velocity = training_pair(normalise(mel))
    span = range(mel.shape[1])
    condition = dit.condition(tokens, voices)
    dropped = torch.rand(len(mel), 1, 1) < drop
    condition = torch.where(dropped, dit.null.to(condition.dtype), condition)
    guess = dit(noisy, condition, dit.modulations(t), pattern.masks(span, span))
    return (guess.float() - velocity).square().mean()


def train_decoder(
    dit: DiT,
    pattern: AttentionPattern,
    features: DecoderFeatures,
    out: str | Path,
    config: LoopConfig,
    training: DecoderTraining | None = None,
    base: str = "",
    loss_of: Callable[..., Tensor] = loss_of,
) -> DiT:
    """Train ``dit`` under ``pattern``; returns it with the averaged weights (adapters still apart for rank > 0).

    ``base`` identifies the weights that a low-rank update is to: a training of it cannot be resumed on others.
    ``loss_of`` takes what :func:`loss_of` takes, for patterns that are trained in another way.
    """
    t = training or DecoderTraining()
    lengths = np.array([len(x) for x in features.tokens])
    longest = min(t.longest, int(lengths.max()) * FRAMES_PER_TOKEN)
    if t.rank:
        trained = nn.ParameterList(add_adapters(dit, t.rank))
        optimizers = optimizers_for(trained, t.rate, muon=False)
    else:
        optimizers = optimizers_for(dit, t.rate)

    def batch_of(step: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = generator(config.seed, step)
        span = int(np.exp(rng.uniform(np.log(t.shortest), np.log(longest)))) // FRAMES_PER_TOKEN
        crops = draw_crops(lengths, span, max(1, t.frames // (span * FRAMES_PER_TOKEN)), rng)
        mel = [features.mels[i][s * FRAMES_PER_TOKEN : (s + span) * FRAMES_PER_TOKEN] for i, s in crops]
        tokens = torch.stack([features.tokens[i][s : s + span] for i, s in crops])
        return torch.stack(mel).float(), tokens, features.speakers[[i for i, _ in crops]]

    def step_function(step: int) -> dict[str, float]:
        mel, tokens, voices = batch_of(step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(dit, pattern, mel, tokens, voices, t.drop)
        dit.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(dit.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        return {"loss": loss}

    settings = vars(t) | {"base": base, "block": pattern.block, "reach": [[r.back, r.ahead] for r in pattern.layers]}
    loop = Loop(out, config, {"decoder": dit}, optimizers, averaged=("decoder",), settings=settings)
    loop.resume()
    loop.run(step_function)
    dit.load_state_dict(loop.averages["decoder"].state)
    return dit.eval()

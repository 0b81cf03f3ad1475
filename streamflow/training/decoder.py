"""Trains the DiT: phase 1 with full attention, phase 2 one attention pattern at a time from phase 1's weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..adapters import add_adapters
from ..attention import AttentionPattern
from ..dit import DiT
from ..mel import BANDS, FRAMES_PER_TOKEN, normalise
from .data import draw_crops, generator
from .features import Features
from .feed import Feed
from .hardware import Hardware
from .loop import Loop, LoopConfig, optimizers_for
from .update import Update


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


class DecoderBatches:
    """Crops of one length, and the flow's random draws for them: what phase 1 and every pattern of phase 2 see.

    Nothing here knows of the pattern, so all of them train on the same crops with the same noise in the same order.
    """

    def __init__(self, features: Features, seed: int, training: DecoderTraining, hardware: Hardware):
        self.features, self.seed, self.training, self.group = features, seed, training, hardware.group
        self.lengths = features.lengths // FRAMES_PER_TOKEN
        self.longest = min(training.longest, int(self.lengths.max()) * FRAMES_PER_TOKEN)

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        t, f, rng = self.training, self.features, generator(self.seed, step)
        span = int(np.exp(rng.uniform(np.log(t.shortest), np.log(self.longest)))) // FRAMES_PER_TOKEN
        crops = draw_crops(self.lengths, span, max(1, t.frames // (span * FRAMES_PER_TOKEN)), rng)
        # drawn for the whole batch, whatever share of it is this process's
        draws = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        time = torch.sigmoid(torch.randn(len(crops), generator=draws))  # logit-normal, Esser et al. 2024
        noise = torch.randn(len(crops), span * FRAMES_PER_TOKEN, BANDS, generator=draws)
        dropped = torch.rand(len(crops), 1, 1, generator=draws) < t.drop
        rows, weight = self.group.share(len(crops))
        mine = slice(rows.start, rows.stop)
        own = crops[mine]
        mel = [f.mels[i][s * FRAMES_PER_TOKEN : (s + span) * FRAMES_PER_TOKEN] for i, s in own]
        return {
            "mel": torch.stack(mel).float(),
            "tokens": torch.stack([f.tokens[i][s : s + span] for i, s in own]),
            "voices": f.speakers[[i for i, _ in own]],
            "time": time[mine],
            "noise": noise[mine],
            "dropped": dropped[mine],
            "weight": torch.tensor(weight),
            "crops": torch.tensor(crops),
        }


class FlowObjective(nn.Module):
    """Mean squared error of the DiT's velocity under an attention pattern."""

    def __init__(self, dit: DiT, pattern: AttentionPattern, hardware: Hardware):
        super().__init__()
        self.dit, self.pattern, self.hardware = dit, pattern, hardware

    def forward(
        self, mel: Tensor, tokens: Tensor, voices: Tensor, time: Tensor, noise: Tensor, dropped: Tensor
    ) -> dict[str, Tensor]:
        """Of log-mel ``[B, T, 80]``, tokens ``[B, T / 4, K]``, speakers ``[B, D]``, times ``[B]``, noise as the mel, and
        whether each crop goes without its condition ``[B, 1, 1]``.
        """
        with self.hardware.autocast():
            x, at = normalise(mel), time[:, None, None]
            condition = self.dit.condition(tokens, voices)
            condition = torch.where(dropped, self.dit.null.to(condition.dtype), condition)
            span = range(mel.shape[1])
            masks = self.pattern.masks(span, span, mel.device)
            guess = self.dit((1 - at) * noise + at * x, condition, self.dit.modulations(time), masks)
            return {"loss": (guess.float() - (x - noise)).square().mean()}


def train_decoder(
    dit: DiT,
    pattern: AttentionPattern,
    features: Features,
    out: str | Path,
    config: LoopConfig,
    training: DecoderTraining | None = None,
    base: str = "",
    hardware: Hardware | None = None,
    objective: type[FlowObjective] = FlowObjective,
) -> DiT:
    """Train ``dit`` under ``pattern``; returns it with the averaged weights (adapters still apart for rank > 0).

    ``base`` identifies the weights that a low-rank update is to: a training of it cannot be resumed on others.
    ``objective`` is for patterns that are trained in another way.
    """
    t, hardware = training or DecoderTraining(), hardware or Hardware()
    dit = dit.to(hardware.device)
    if t.rank:
        trained = nn.ParameterList(add_adapters(dit, t.rank)).to(hardware.device)
        optimizers = optimizers_for(trained, t.rate, muon=False)
    else:
        optimizers = optimizers_for(dit, t.rate)
    feed = Feed(DecoderBatches(features, config.seed, t, hardware), hardware)
    settings = vars(t) | {"base": base, "block": pattern.block, "reach": [[r.back, r.ahead] for r in pattern.layers]}
    loop = Loop(
        out,
        config,
        {"decoder": dit},
        optimizers,
        averaged=("decoder",),
        settings=settings,
        hardware=hardware,
        feed=feed,
    )
    loop.resume()
    update = Update(objective(dit, pattern, hardware), optimizers, dit.parameters(), 1.0, hardware)

    def step_function(step: int) -> dict[str, Tensor]:
        batch = feed(step)
        return update(batch, float(batch.pop("weight")))

    loop.run(step_function)
    dit.load_state_dict(loop.averages["decoder"].state)
    return dit.cpu().eval()

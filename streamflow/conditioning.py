"""The input side of published decoders: a table of codes, and an encoder of the reference mel (Qwen2.5-Omni Token2Wav).

The decoder gets one vector a voice: what :class:`PromptEncoder` makes of the reference mel, then the x-vector. It
depends on the voice alone, so it is computed once a voice; transformers does it again in every network evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .mel import BANDS


class CodeTable(nn.Module):
    """Codes ``[..., N, 1]`` to ``[..., frames_per_token N, W]``: an entry a code, repeated for each frame of the token.

    Entry 0 doubles as the null condition of guidance.

    Attributes:
        codes: 1, codes a token.
        codebook_size: entries of the table.
    """

    codes = 1

    def __init__(self, entries: int, width: int, frames_per_token: int):
        super().__init__()
        self.codebook_size, self.frames_per_token = entries, frames_per_token
        self.table = nn.Embedding(entries, width)

    def forward(self, tokens: Tensor, heard: int = 0) -> Tensor:
        """Embed all tokens but the last ``heard``, which change nothing here."""
        tokens = tokens[..., : tokens.shape[-2] - heard, 0]
        return self.table(tokens).repeat_interleave(self.frames_per_token, dim=-2)


@dataclass(frozen=True)
class PromptEncoderConfig:
    """Sizes of the ECAPA-TDNN of the reference mel; the defaults are Qwen2.5-Omni's (1.7 M parameters).

    Attributes:
        xvector: numbers of the x-vector that goes with the embedding into the voice.
    """

    channels: tuple[int, ...] = (256, 256, 256, 256, 768)
    kernels: tuple[int, ...] = (5, 3, 3, 3, 1)
    dilations: tuple[int, ...] = (1, 2, 3, 4, 1)
    attention: int = 64
    res2net_scale: int = 2
    se: int = 64
    embedding: int = 128
    xvector: int = 192


class SameConv(nn.Conv1d):
    """A convolution that keeps the length; the ends reflect the signal."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1):
        super().__init__(inputs, outputs, kernel, dilation=dilation, padding="same", padding_mode="reflect")


class TimeDelay(nn.Module):
    """A convolution and a ReLU; the published class has no batch normalisation, unlike speechbrain's."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1):
        super().__init__()
        self.conv = SameConv(inputs, outputs, kernel, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).relu()


class Res2Net(nn.Module):
    """Groups of channels, each but the first convolved after the one before was added (Gao et al. 2019)."""

    def __init__(self, channels: int, scale: int, kernel: int, dilation: int):
        super().__init__()
        width = channels // scale
        self.blocks = nn.ModuleList(TimeDelay(width, width, kernel, dilation) for _ in range(scale - 1))

    def forward(self, x: Tensor) -> Tensor:
        first, *groups = x.chunk(len(self.blocks) + 1, dim=1)
        outputs = [first]
        for i, (block, group) in enumerate(zip(self.blocks, groups, strict=True)):
            outputs.append(block(group + outputs[-1] if i else group))
        return torch.cat(outputs, dim=1)


class SqueezeExcitation(nn.Module):
    """Channels scaled by what their means over time say (Hu et al. 2018)."""

    def __init__(self, channels: int, waist: int):
        super().__init__()
        self.conv1, self.conv2 = SameConv(channels, waist), SameConv(waist, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv2(self.conv1(x.mean(dim=2, keepdim=True)).relu()).sigmoid()


class SERes2Net(nn.Module):
    """ECAPA's residual block."""

    def __init__(self, c: PromptEncoderConfig, inputs: int, channels: int, kernel: int, dilation: int):
        super().__init__()
        self.tdnn1 = TimeDelay(inputs, channels)
        self.res2net_block = Res2Net(channels, c.res2net_scale, kernel, dilation)
        self.tdnn2 = TimeDelay(channels, channels)
        self.se_block = SqueezeExcitation(channels, c.se)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x))))


class StatisticsPooling(nn.Module):
    """Mean and standard deviation over time, weighted by attention that sees those of the whole (Okabe et al. 2018)."""

    def __init__(self, channels: int, attention: int):
        super().__init__()
        self.tdnn = TimeDelay(3 * channels, attention)
        self.conv = SameConv(attention, channels)

    def forward(self, x: Tensor) -> Tensor:
        even = torch.full_like(x[:, :1], 1 / x.shape[2])
        whole = torch.cat(self._statistics(x, even), dim=1)[..., None].expand(-1, -1, x.shape[2])
        weights = self.conv(self.tdnn(torch.cat([x, whole], dim=1)).tanh()).softmax(dim=2)
        return torch.cat(self._statistics(x, weights), dim=1)[..., None]

    @staticmethod
    def _statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        mean = (weights * x).sum(2)
        return mean, (weights * (x - mean[..., None]).square()).sum(2).clamp(1e-12).sqrt()


class PromptEncoder(nn.Module):
    """ECAPA-TDNN (Desplanques et al. 2020) of a reference mel; modules are named as in transformers' weights."""

    def __init__(self, config: PromptEncoderConfig | None = None):
        super().__init__()
        self.config = c = config or PromptEncoderConfig()
        inner = zip(c.channels[:-2], c.channels[1:-1], c.kernels[1:-1], c.dilations[1:-1], strict=True)
        self.blocks = nn.ModuleList(
            [TimeDelay(BANDS, c.channels[0], c.kernels[0], c.dilations[0]), *(SERes2Net(c, *sizes) for sizes in inner)]
        )
        self.mfa = TimeDelay(c.channels[-1], c.channels[-1], c.kernels[-1], c.dilations[-1])
        self.asp = StatisticsPooling(c.channels[-1], c.attention)
        self.fc = SameConv(2 * c.channels[-1], c.embedding)

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mel ``[B, T, 80]``, not normalised, to embeddings ``[B, D]``; T at least a reflection long (about 8)."""
        x, seen = mel.transpose(1, 2), []
        for block in self.blocks:
            x = block(x)
            seen.append(x)
        return self.fc(self.asp(self.mfa(torch.cat(seen[1:], dim=1))))[..., 0]

    def voice(self, mel: Tensor, xvector: Tensor) -> Tensor:
        """What the decoder takes as its speaker: ``[B, T, 80]`` and ``[B, X]`` to ``[B, D + X]``."""
        return torch.cat([self(mel), xvector], dim=-1)

    @torch.inference_mode()
    def null_voice(self) -> Tensor:
        """The voice that guidance subtracts, ``[D + X]``: a mel of zeros through the encoder, and no x-vector.

        Under reflection a constant stays constant, so the length of the mel does not matter. In float64, because the
        deviation of a constant is rounding only, which the square root enlarges.
        """
        weight = self.fc.weight
        copy = PromptEncoder(self.config).double()
        copy.load_state_dict({name: value.double() for name, value in self.state_dict().items()})
        embedding = copy(torch.zeros(1, 32, BANDS, dtype=torch.float64))[0].to(weight.dtype)
        return F.pad(embedding, (0, self.config.xvector))

"""The speech tokenizer: 100 Hz log-mel to 25 Hz tokens, with a plain decoder that shows how much the tokens hold."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .convnext import ConvNeXt
from .fsq import FSQ
from .mel import BANDS, FRAMES_PER_TOKEN, denormalise, normalise


@dataclass(frozen=True)
class TokenizerConfig:
    """Sizes. ``levels`` make one codebook (4,096 to 16,384 entries), ``codes`` of which describe each 40 ms."""

    levels: tuple[int, ...] = (8, 8, 8, 5, 5)
    codes: int = 2
    width: int = 224
    hidden: int = 448
    layers: int = 4
    kernel: int = 7
    speaker: int = 128


class Stack(nn.Sequential):
    """A few symmetric ConvNeXt blocks: the tokenizer hears the whole recording, it need not stream."""

    def __init__(self, c: TokenizerConfig):
        super().__init__(
            *(ConvNeXt(c.width, c.hidden, c.kernel, (c.kernel - 1) // 2, 1.0 / c.layers) for _ in range(c.layers))
        )


class Tokenizer(nn.Module):
    """Encoder, quantiser and plain decoder; both ends know the speaker embedding, so the tokens need not repeat it."""

    not_hidden = ("encoder_in", "decoder_out", "to_code", "from_code")

    def __init__(self, config: TokenizerConfig | None = None):
        super().__init__()
        self.config = c = config or TokenizerConfig()
        self.fsq = FSQ(c.levels, c.codes)
        self.encoder_in = nn.Linear(BANDS, c.width)
        self.encoder_speaker = nn.Linear(c.speaker, c.width)
        self.encoder_fine = Stack(c)
        self.down = nn.Linear(FRAMES_PER_TOKEN * c.width, c.width)
        self.encoder_coarse = Stack(c)
        self.to_code = nn.Sequential(nn.LayerNorm(c.width), nn.Linear(c.width, self.fsq.dimensions))
        self.from_code = nn.Linear(self.fsq.dimensions, c.width)
        self.decoder_speaker = nn.Linear(c.speaker, c.width)
        self.decoder_coarse = Stack(c)
        self.up = nn.Linear(c.width, FRAMES_PER_TOKEN * c.width)
        self.decoder_fine = Stack(c)
        self.decoder_out = nn.Sequential(nn.LayerNorm(c.width), nn.Linear(c.width, BANDS))

    def encode(self, mel: Tensor, speaker: Tensor) -> Tensor:
        """Log-mel ``[B, 4 N, 80]`` and speaker ``[B, D]`` to quantised coordinates ``[B, N, dimensions]``."""
        x = self.encoder_in(normalise(mel)) + self.encoder_speaker(speaker)[:, None]
        x = self.encoder_fine(x)
        x = self.down(x.unflatten(1, (-1, FRAMES_PER_TOKEN)).flatten(2))
        return self.fsq(self.to_code(self.encoder_coarse(x)).float())

    def decode(self, coordinates: Tensor, speaker: Tensor) -> Tensor:
        """Coordinates ``[B, N, dimensions]`` to log-mel ``[B, 4 N, 80]``: the mean, without the detail a flow adds."""
        x = self.from_code(coordinates) + self.decoder_speaker(speaker)[:, None]
        x = self.up(self.decoder_coarse(x)).unflatten(2, (FRAMES_PER_TOKEN, -1)).flatten(1, 2)
        return denormalise(self.decoder_out(self.decoder_fine(x)).float())

    @torch.inference_mode()
    def tokenize(self, mel: Tensor, speaker: Tensor) -> Tensor:
        """Log-mel ``[T, 80]`` and speaker ``[D]`` to int64 tokens ``[ceil(T / 4), K]``; the end is padded by repetition."""
        short = -len(mel) % FRAMES_PER_TOKEN
        mel = torch.cat([mel, mel[-1:].expand(short, -1)]) if short else mel
        return self.fsq.to_codes(self.encode(mel[None], speaker[None])[0])

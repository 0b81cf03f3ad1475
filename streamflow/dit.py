"""The diffusion transformer: noisy mel, speaker and tokens in, velocity out (Peebles & Xie 2023; StreamFlow, figure 1).

There is no convolution over time inside: a symmetric one would look past every block mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .conditioning import CodeTable
from .cones import Mask
from .errors import StreamflowError
from .fsq import FSQ
from .kv_cache import KeyValueCache, SideBySide, attend
from .mel import BANDS, FRAMES_PER_TOKEN, MEAN, STD


@dataclass(frozen=True)
class DiTConfig:
    """Sizes.

    Attributes:
        adaln_rank: rank of the map from time to scales and shifts; 0 for a full matrix as in the paper, which holds
            two fifths of its parameters.
        levels, codes: the tokenizer's quantiser, whose coordinates are the token embedding's input: 2.8 hours of
            speech show most of 12,800 table entries a few times or never.
        token_ahead: tokens after its own that a token's embedding hears; 0 for none.
        table: entries of a table of codes in place of the quantiser; 0 for none. This and what follows are for weights
            that others published (Qwen2.5-Omni's).
        frames_per_token: frames that a token stands for.
        unit_speaker: the speaker vector is of length 1 and is brought to the size of the other inputs.
        rotary_heads: heads that are rotated by position, the first ones; 0 for all.
        time_inclusive: the slowest of the time's 128 waves is slower by 10,000 than the fastest, not by 9,306.
        mel_mean, mel_std: of the log-mel that the network works on normalised.
    """

    width: int = 320
    layers: int = 9
    heads: int = 5
    ff_mult: int = 2
    adaln_rank: int = 32
    token_width: int = 128
    speaker: int = 128
    levels: tuple[int, ...] = (8, 8, 8, 5, 5)
    codes: int = 2
    token_ahead: int = 0
    table: int = 0
    frames_per_token: int = FRAMES_PER_TOKEN
    unit_speaker: bool = True
    rotary_heads: int = 0
    time_inclusive: bool = False
    mel_mean: float = MEAN
    mel_std: float = STD


PRESETS = {
    "paper": DiTConfig(width=1024, layers=22, heads=16, adaln_rank=0, token_width=512, speaker=192, codes=1),
    "small": DiTConfig(),
    "tiny": DiTConfig(width=32, layers=6, heads=2, adaln_rank=4, token_width=16, levels=(4, 4, 4), speaker=16),
}


def dit_preset(name: str) -> DiTConfig:
    """``paper`` (about 330 M parameters), ``small`` (shipped) or ``tiny`` (tests).

    Raises:
        StreamflowError: an unknown name.
    """
    if name not in PRESETS:
        raise StreamflowError(f"unknown size {name}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


@lru_cache(maxsize=4)  # the evaluations of one window share a table; more would only hold memory
def rotary_table(
    start: int, stop: int, width: int, dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[stop - start, width / 2]`` of the rotary position embedding (Su et al. 2021), θ = 10,000.

    ``dtype`` is that of what is rotated: float32 tables but for float64. The angles are computed in float64: at frame 30,000
    float32 angles are off by 1e-3.
    """
    kept = torch.float64 if dtype == torch.float64 else torch.float32
    with torch.inference_mode(False):  # the cached tensors must serve training too, whoever asks for them first
        frequencies = 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64, device=device) / width)
        angles = torch.arange(start, stop, dtype=torch.float64, device=device)[:, None] * frequencies
        return angles.cos().to(kept), angles.sin().to(kept)


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate ``[..., width]`` by position, under a table that broadcasts to it; halves, not neighbours, are the pairs."""
    cosines, sines = (t.to(x.dtype) for t in table)  # the table is float32 at least
    a, b = x.chunk(2, dim=-1)
    return torch.cat([torch.addcmul(a * cosines, b, sines, value=-1), torch.addcmul(b * cosines, a, sines)], dim=-1)


def rotate_first(x: Tensor, table: tuple[Tensor, Tensor], heads: int) -> Tensor:
    """:func:`rotate` the first ``heads`` heads of ``[..., heads, width]``; 0 for all."""
    return torch.cat([rotate(x[..., :heads, :], table), x[..., heads:, :]], dim=-2) if heads else rotate(x, table)


class Modulation(nn.Module):
    """Time embedding ``[B, W]`` to ``parts`` scales, shifts and gates ``[B, 1, W]``, all zero at first (adaLN-zero)."""

    def __init__(self, width: int, parts: int, rank: int):
        super().__init__()
        self.parts = parts
        self.inner = nn.Linear(width, rank, bias=False) if rank else nn.Identity()
        self.outer = nn.Linear(rank or width, parts * width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, time: Tensor) -> tuple[Tensor, ...]:
        return self.outer(self.inner(F.silu(time)))[:, None].chunk(self.parts, dim=-1)


class Block(nn.Module):
    """Masked self-attention and MLP, each modulated by time and gated."""

    def __init__(self, c: DiTConfig):
        super().__init__()
        self.heads, self.rotary_heads = c.heads, c.rotary_heads
        self.modulation = Modulation(c.width, 6, c.adaln_rank)
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.out = nn.Linear(c.width, c.width)
        self.up = nn.Linear(c.width, c.ff_mult * c.width)
        self.down = nn.Linear(c.ff_mult * c.width, c.width)

    def forward(
        self,
        x: Tensor,
        modulation: tuple[Tensor, ...],
        mask: Mask,
        table: tuple[Tensor, Tensor],
        cache: KeyValueCache | SideBySide | None = None,
        cut: slice | None = None,
    ) -> Tensor:
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = modulation
        y = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale)
        qkv = self.qkv(y).unflatten(-1, (3, self.heads, -1))
        rotated = rotate_first(qkv[:, :, :2], table, self.rotary_heads)  # both at once: they are small
        q, k, v = (part.transpose(1, 2) for part in (rotated[:, :, 0], rotated[:, :, 1], qkv[:, :, 2]))
        if cut is not None:
            q, x = q[:, :, cut], x[:, cut]
        if isinstance(cache, SideBySide):
            y = cache.attend(q, k, v)
        else:
            y = attend(q, *(cache.extend(k, v) if cache is not None else (k, v)), mask)
        x = torch.addcmul(x, gate, self.out(y.transpose(1, 2).flatten(2)))
        y = torch.addcmul(shift_mlp, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale_mlp)
        return torch.addcmul(x, gate_mlp, self.down(F.gelu(self.up(y), approximate="tanh")))


class TokenLookahead(nn.Module):
    """What the next tokens add to a token's embedding: a convolution over them alone, through a narrow waist.

    CosyVoice 2 and 3 look 3 tokens ahead in this way (Du et al. 2024, 2025). The last map is zero at first, so that
    weights trained without it stay what they are.
    """

    def __init__(self, width: int, tokens: int, waist: int = 64):
        super().__init__()
        self.tokens = tokens
        self.inner = nn.Linear(tokens * width, waist)
        self.outer = nn.Linear(waist, width, bias=False)
        nn.init.zeros_(self.outer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., N, W]`` to ``[..., N, W]``; tokens after the last one are zeros."""
        following = F.pad(x, (0, 0, 0, self.tokens))[..., 1:, :].unfold(-2, self.tokens, 1)
        return self.outer(F.silu(self.inner(following.flatten(-2))))


class TokenEmbedding(nn.Module):
    """Tokens ``[..., N, K]`` to a vector a frame ``[..., frames_per_token N, W]``.

    A code's FSQ coordinates are its embedding's input, and each of the frames of a token has its own projection:
    no context beyond the token itself, so no mask is broken, and that of a :class:`TokenLookahead` where there is one.
    """

    def __init__(self, c: DiTConfig):
        super().__init__()
        self.fsq = FSQ(c.levels, c.codes)
        self.inner = nn.Linear(self.fsq.dimensions, 2 * c.token_width)
        self.frames_per_token = c.frames_per_token
        self.outer = nn.Linear(2 * c.token_width, c.frames_per_token * c.token_width)
        self.ahead = TokenLookahead(2 * c.token_width, c.token_ahead) if c.token_ahead else None
        self.codes, self.codebook_size = c.codes, self.fsq.codebook_size

    def forward(self, tokens: Tensor, heard: int = 0) -> Tensor:
        """Embed all tokens but the last ``heard``, which are there only to be looked ahead to."""
        x = self.fsq.to_coordinates(tokens).to(self.inner.weight.dtype)
        x = F.silu(self.inner(x))
        if self.ahead is not None:
            x = x + self.ahead(x)
        x = self.outer(x[..., : x.shape[-2] - heard, :])
        return x.unflatten(-1, (self.frames_per_token, -1)).flatten(-3, -2)


class DiT(nn.Module):
    """Velocity of the flow for a noisy mel, under whatever masks it is given."""

    not_hidden = ("input", "output", "time", "tokens", "modulation")

    def __init__(self, config: DiTConfig | None = None):
        super().__init__()
        self.config = c = config or DiTConfig()
        self.tokens = CodeTable(c.table, c.token_width, c.frames_per_token) if c.table else TokenEmbedding(c)
        self.null = nn.Parameter(torch.zeros(c.speaker + c.token_width))
        self.input = nn.Linear(BANDS + c.speaker + c.token_width, c.width)
        self.time = nn.Sequential(nn.Linear(256, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.modulation = Modulation(c.width, 2, c.adaln_rank)
        self.output = nn.Linear(c.width, BANDS)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    @property
    def device(self) -> torch.device:
        """Of the weights, where everything that is computed with them has to be."""
        return self.null.device

    def condition(self, tokens: Tensor, speaker: Tensor, heard: int = 0) -> Tensor:
        """int64 tokens ``[B, N, K]`` and speaker vectors ``[B, D]`` to the condition ``[B, frames_per_token N, D + W]``.

        The last ``heard`` tokens get none: they are only looked ahead to.
        """
        x = self.tokens(tokens, heard)
        # a unit vector of D numbers has elements of about 1/sqrt(D): bring them to the size of the other inputs
        voice = speaker[:, None].to(x.dtype) * (math.sqrt(self.config.speaker) if self.config.unit_speaker else 1.0)
        return torch.cat([voice.expand(-1, x.shape[1], -1), x], dim=-1)

    def modulations(self, time: Tensor) -> list[tuple[Tensor, ...]]:
        """Scales, shifts and gates of every layer and the output for times ``[B]`` in [0, 1].

        They depend on nothing else, so a decoder computes them once for its grid of times.
        """
        waves = torch.arange(128, device=time.device)
        if self.config.time_inclusive:  # float32, in this order: a last bit of these is 1e-4 of an angle
            frequencies = torch.exp(waves.float() * -(math.log(10_000) / 127))
        else:
            frequencies = torch.exp(-math.log(10_000) * waves / 128)
        time = time if time.dtype == torch.float64 else time.float()
        angles = 1000 * time[:, None] * frequencies
        embedding = self.time(torch.cat([angles.sin(), angles.cos()], dim=-1).to(self.input.weight.dtype))
        return [block.modulation(embedding) for block in self.blocks] + [self.modulation(embedding)]

    def forward(
        self,
        x: Tensor,
        condition: Tensor,
        modulations: list[tuple[Tensor, ...]],
        masks: Sequence[Mask],
        start: int | tuple[Tensor, Tensor] = 0,
        caches: Sequence[KeyValueCache | SideBySide | None] | None = None,
        cuts: Sequence[slice | None] | None = None,
    ) -> Tensor:
        """Velocity ``[B, T, 80]`` of all rows, or of those that ``cuts`` leave.

        Args:
            x: noisy normalised mel ``[B, T, 80]``.
            condition: ``[B, T, D + W]`` of :meth:`condition`, or :attr:`null` expanded.
            modulations: of :meth:`modulations`.
            masks: one a layer, boolean ``[T, keys]`` or ``[B, 1, T, keys]``, ``None`` for all, or the length of blocks that
                see nothing but themselves.
            start: absolute position of ``x[:, 0]``, for the rotary embedding; or its table, ``[T, width / 2]`` or
                ``[B, T, width / 2]`` twice, where the rows of a batch begin at positions of their own.
            caches: one a layer, or None for none; the keys are then the cached ones and these.
            cuts: which of its rows each layer gives to the next, None for all; masks have as many rows then.
        """
        x = self.input(torch.cat([x.to(condition.dtype), condition], dim=-1))
        width = self.config.width // self.config.heads
        table = start
        if isinstance(start, int):
            table = rotary_table(start, start + x.shape[1], width, x.dtype, x.device)
        table = tuple(part[..., None, None, :] for part in table)
        for i, block in enumerate(self.blocks):
            cut = cuts[i] if cuts else None
            x = block(x, modulations[i], masks[i], table, caches[i] if caches else None, cut)
            if cut is not None:
                table = tuple(part[..., cut, :, :, :] for part in table)
        shift, scale = modulations[-1]
        return self.output(torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale))

"""The ConvNeXt block (Liu et al., CVPR 2022) over time, looking back only or to both sides."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNeXt(nn.Module):
    """Depthwise convolution, layer norm and a two-layer MLP, with a residual: ``[B, T, C]`` to the same.

    Args:
        width, hidden: channels outside and inside the MLP.
        kernel: taps of the depthwise convolution.
        future: how many of them lie ahead; 0 is causal, ``(kernel - 1) // 2`` symmetric.
        scale: initial value of the learnt scale of the residual branch.
    """

    def __init__(self, width: int, hidden: int, kernel: int, future: int, scale: float):
        super().__init__()
        self.padding = (kernel - 1 - future, future)
        self.depthwise = nn.Conv1d(width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(F.pad(x.transpose(1, 2), self.padding)).transpose(1, 2)
        return x + self.scale * self.down(F.gelu(self.up(self.norm(y))))

"""Low-rank differences: how the weights of one attention pattern are trained and stored as a change to phase 1's.

The inner matrices of the DiT get W + B A (Hu et al., LoRA, ICLR 2022), biases are free. Nothing is approximated when the
difference is stored, because nothing else was trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .dit import DiT

INNER = ("qkv", "out", "up", "down")


class LowRankUpdate(nn.Module):
    """Adds ``up @ down`` to a weight ``[out, in]``; starts as no change."""

    def __init__(self, outputs: int, inputs: int, rank: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


def add_adapters(dit: DiT, rank: int) -> list[nn.Parameter]:
    """Freeze ``dit`` but for low-rank updates and biases of its blocks; returns what is left to train."""
    dit.requires_grad_(False)
    for block in dit.blocks:
        for name in INNER:
            linear = getattr(block, name)
            parametrize.register_parametrization(linear, "weight", LowRankUpdate(*linear.weight.shape, rank))
            linear.bias.requires_grad_(True)
    if dit.tokens.ahead is not None:  # phase 1 has none: all of it is new
        dit.tokens.ahead.requires_grad_(True)
    return [p for n, p in dit.named_parameters() if p.requires_grad or ".parametrizations.weight.0." in n]


def difference(state: dict[str, Tensor], base: dict[str, Tensor]) -> dict[str, Tensor]:
    """What an adapted DiT's state dict adds to the state dict ``base`` of phase 1."""
    result = {}
    for name, value in state.items():
        head, _, tail = name.partition(".parametrizations.weight.")
        if tail.startswith("0."):
            result[f"{head}.weight.{tail[2:]}"] = value
        elif name.endswith(".bias") and name in base and not torch.equal(value, base[name]):
            result[name] = value - base[name]
        elif name not in base and not tail:
            result[name] = value
    return result


def merge(base: dict[str, Tensor], change: dict[str, Tensor]) -> dict[str, Tensor]:
    """Phase 1's state dict with a :func:`difference` applied."""
    merged = dict(base)
    for name, value in change.items():
        if name.endswith(".weight.up"):
            weight = name.removesuffix(".up")
            merged[weight] = base[weight] + value.float() @ change[f"{weight}.down"].float()
        elif name.endswith(".weight.down"):
            continue
        elif name in base:
            merged[name] = base[name] + value.float()
        else:
            merged[name] = value.float()
    return merged

"""One update of the weights: forward and backward in pieces and processes, gradients clipped, optimisers stepped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from .hardware import Hardware


class Update:
    """Descends the first value of ``objective(**rows)``, a dict of means over the rows it is given.

    The gradient is that of the mean over the whole batch, however many processes and pieces compute it.

    Args:
        objective: module whose forward takes a batch's tensors by name; all that is trained lies inside.
        optimizers: stepped after clipping.
        parameters: whose gradients are clipped, and zeroed before.
        clip: largest norm of the gradient.
    """

    def __init__(
        self,
        objective: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        parameters: Iterable[nn.Parameter],
        clip: float,
        hardware: Hardware,
    ):
        self.model, self.hardware = hardware.wrap(objective), hardware
        self.optimizers, self.parameters, self.clip = optimizers, list(parameters), clip

    def __call__(self, batch: dict[str, Tensor], weight: float = 1.0) -> dict[str, Tensor]:
        """Update from this process's rows, which count ``weight``; returns the weighted means, detached."""
        for parameter in self.parameters:
            parameter.grad = None
        rows = len(next(iter(batch.values())))
        pieces = min(self.hardware.accumulate, rows)
        totals: dict[str, Tensor] = {}
        for piece in range(pieces):
            start, stop = (rows * p // pieces for p in (piece, piece + 1))
            part = batch if pieces == 1 else {k: v[start:stop] for k, v in batch.items()}
            factor = weight * (stop - start) / rows
            with self.hardware.local(self.model, last=piece == pieces - 1):
                losses = self.model(**part)
                loss = next(iter(losses.values()))
                (loss if factor == 1.0 else loss * factor).backward()
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + value.detach().float() * factor
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        return totals

"""Where the decoder computes: the one place that chooses a device, waits for it, and brings samples back from it.

Which device a tensor belongs on, everything else asks the weights: ``DiT.device``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .errors import StreamflowError

DEVICES = ("auto", "cpu", "cuda")


def device_of(name: str | torch.device) -> torch.device:
    """The device of a name: ``auto`` (an accelerator where there is one), ``cpu`` or ``cuda``.

    Args:
        name: or a device, which is taken as it is.

    Raises:
        StreamflowError: an unknown name, or an accelerator that there is not.
    """
    if isinstance(name, torch.device):
        return name
    if name not in DEVICES:
        raise StreamflowError(f"unknown device {name}; choose {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise StreamflowError("this torch sees no CUDA device; use --device cpu, or install a torch built for CUDA")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def wait(device: torch.device) -> None:
    """Until an accelerator has done what it was given: it is told what to do long before it has done it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def waiting(clock: Callable[[], float], device: torch.device) -> Callable[[], float]:
    """A clock that waits for the device before it is read."""
    if device.type == "cpu":
        return clock

    def read() -> float:
        wait(device)
        return clock()

    return read


def to_host(samples: Tensor) -> np.ndarray:
    """Finished samples ``[n]`` as NumPy, in one transfer; without a copy where they are there already."""
    return samples.cpu().numpy()

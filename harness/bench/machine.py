"""What this machine can do at most: its matrix products and copies, measured before anything is held against them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from streamflow.devices import wait
from streamflow.packed import PackedLinear, available, bfloat16_in_hardware

from .bench_context import Context
from .result import Result

PRODUCT = 1024
COPIED_BYTES = 256 * 2**20  # beyond the caches of the machines we know
TRIES = 12
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rates:
    """The best of several tries.

    Attributes:
        flops: a second, in float32 matrix products, of the kind that the decoders use.
        bytes: a second, read and written.
    """

    flops: float
    bytes: float

    def floor_s(self, flops: int, moved: int) -> float:
        """Seconds below which nothing with so many FLOPs and bytes can come (the roofline)."""
        return max(flops / self.flops, moved / self.bytes)


def best_s(work: Callable[[], object], tries: int = TRIES, clock: Callable[[], float] = time.perf_counter) -> float:
    """The shortest of several tries: what else runs on the machine only adds."""
    best = float("inf")
    for _ in range(tries):
        began = clock()
        work()
        best = min(best, clock() - began)
    return best


def linear_flops(precision: torch.dtype | None, size: int = PRODUCT, device: torch.device = CPU) -> float:
    """FLOPs a second of a square linear layer; ``precision`` None is torch's own, not packed."""
    layer = torch.nn.Linear(size, size, device=device).requires_grad_(False)
    if precision is not None:
        packed = PackedLinear(size, size, device=device).requires_grad_(False)
        packed.load_state_dict(layer.state_dict())
        packed.precision, layer = precision, packed
    x = torch.randn(size, size, device=device)
    with torch.inference_mode():
        return 2 * size**3 / best_s(lambda: _waited(layer(x)))


def rates(device: torch.device = CPU) -> Rates:
    """This device's, with as many threads as torch has now."""
    x = torch.empty(COPIED_BYTES // 4, device=device).fill_(1.0)
    y = torch.empty_like(x)
    moved = 2 * COPIED_BYTES / best_s(lambda: _waited(y.copy_(x)))
    packed = available() and device.type == "cpu"
    return Rates(linear_flops(torch.float32 if packed else None, device=device), moved)


def measure(context: Context) -> Result:
    """Table of rates."""
    context.tick("matrix products and copies")
    device = context.bundle.device
    on_cpu = device.type == "cpu"
    kinds: dict[str, torch.dtype | None] = {"float32 products, torch's own": None}
    if on_cpu and available():
        kinds["float32, packed"] = torch.float32
    if not on_cpu or bfloat16_in_hardware():
        kinds["bfloat16, packed" if on_cpu else "bfloat16"] = torch.bfloat16
    rows = [
        {"what": what, "per second": f"{linear_flops(kind, device=device) / 1e9:.0f} GFLOP"}
        for what, kind in kinds.items()
    ]
    rows.append({"what": "copy, read and written", "per second": f"{rates(device).bytes / 1e9:.0f} GB"})
    where = f"This machine, {torch.get_num_threads()} threads" if on_cpu else f"The {device.type} device"
    return Result("machine", f"{where}, best of {TRIES}", rows)


def _waited(x: torch.Tensor) -> torch.Tensor:
    wait(x.device)
    return x

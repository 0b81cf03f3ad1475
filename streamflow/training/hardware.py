"""Where and how a training computes: device, precision, processes, pieces of a batch. None of it changes what is learnt."""

from __future__ import annotations

import inspect
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist

from ..devices import device_of
from ..errors import StreamflowError

PATIENCE = timedelta(hours=12)  # others wait while the first process prepares a corpus


@dataclass(frozen=True)
class Group:
    """The processes that train together; one that is alone talks to nobody.

    Attributes:
        rank: of this process; 0 alone writes files and log lines.
        world: number of processes.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            dist.barrier()

    def mean(self, values: list[float], device: torch.device) -> list[float]:
        """The mean of each number over the processes, the same everywhere."""
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(tensor)
        return (tensor / self.world).tolist()

    def share(self, count: int) -> tuple[range, float]:
        """This process's rows of a batch of ``count`` and their weight, 1 where the rows divide evenly.

        The gradients of all processes are averaged, so a process with more rows than another counts for more; one with
        none computes row 0 with weight 0, since all must meet in the exchange.
        """
        start, stop = (count * r // self.world for r in (self.rank, self.rank + 1))
        if start == stop:
            return range(1), 0.0
        return range(start, stop), (stop - start) * self.world / count


@dataclass(frozen=True)
class Hardware:
    """What a training runs on.

    Attributes:
        device: of the weights and the computing.
        precision: ``bf16`` (autocast; the weights and their averages stay float32) or ``float32``.
        accumulate: pieces that a process computes its share of a batch in, one after the other; more need less memory.
        workers: processes that read and cut batches ahead; 0 does it in between.
        group: the processes that train together.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: str = "bf16"
    accumulate: int = 1
    workers: int = 0
    group: Group = field(default_factory=Group)

    def autocast(self) -> AbstractContextManager:
        """bf16 where asked for. float16 would need its losses scaled and gains nothing on what computes in bf16."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def to(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A batch on the device."""
        if self.device.type == "cpu":
            return batch
        return {k: v.to(self.device, non_blocking=True) for k, v in batch.items()}

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module, its gradients averaged over the processes where there are several."""
        module = module.to(self.device)
        if self.group.world == 1:
            return module
        ids = [self.device.index] if self.device.type == "cuda" else None
        parallel = nn.parallel.DistributedDataParallel
        # each process keeps its own running means; torch renamed the switch in 2.13
        names = inspect.signature(parallel).parameters
        switch = "forward_sync_buffers" if "forward_sync_buffers" in names else "broadcast_buffers"
        return parallel(module, device_ids=ids, **{switch: False})

    def local(self, wrapped: nn.Module, last: bool) -> AbstractContextManager:
        """Leave the exchange of gradients to the last piece."""
        return nullcontext() if last or self.group.world == 1 else wrapped.no_sync()


def choose_hardware(device: str = "auto", precision: str = "bf16", accumulate: int = 1, workers: int = 0) -> Hardware:
    """Hardware from what a person asked for; joins the group of processes when torchrun started this one.

    Args:
        device: ``auto`` (an accelerator where there is one), ``cpu`` or ``cuda``.

    Raises:
        StreamflowError: an unknown name, or an accelerator that there is not.
    """
    if precision not in ("bf16", "float32"):
        raise StreamflowError(f"unknown precision {precision}; choose bf16 or float32")
    chosen = device_of(device)
    local = int(os.environ.get("LOCAL_RANK", 0))
    if chosen.type == "cuda" and local >= torch.cuda.device_count():
        raise StreamflowError(
            f"process {local} has no accelerator of its own, there are {torch.cuda.device_count()}; "
            "start torchrun with as many processes"
        )
    if chosen.type == "cuda":
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
        torch.backends.cudnn.benchmark = True
    return Hardware(chosen, precision, accumulate, workers, _join(chosen))


def _join(device: torch.device) -> Group:
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        return Group()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return Group(dist.get_rank(), world)


def leave() -> None:
    """End this process's part in its group, so that none is left waiting for it."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()

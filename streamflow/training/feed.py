"""Batches, one a step, each a function of (seed, step) alone: who cuts them, and how far ahead, changes nothing."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import StreamflowError
from .hardware import Hardware


class Batches(Protocol):
    """A batch of a step: rows ``[n, ...]`` of this process's share, by name, and what was drawn for all processes.

    ``crops`` ``[count, 2]`` int64 is the whole batch's draw, (recording, start), in every process.
    """

    def __getitem__(self, step: int) -> dict[str, Tensor]: ...


class _ErrorsAsItems(Dataset):
    """Hands an error over as it is: a reading process would wrap it in a traceback of many lines."""

    def __init__(self, batches: Batches):
        self.batches = batches

    def __getitem__(self, step: int) -> dict[str, Tensor] | StreamflowError:
        try:
            return self.batches[step]
        except StreamflowError as error:
            return error


def _quiet(_: int) -> None:
    """Ctrl-C reaches every process of a terminal; the training stops its readers itself, after it has saved."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)


class Feed:
    """The batches of a training from any step on, cut ahead by ``hardware.workers`` processes."""

    def __init__(self, batches: Batches, hardware: Hardware, horizon: int = 1_000_000_000):
        self.batches, self.hardware, self.horizon = _ErrorsAsItems(batches), hardware, horizon
        self.drawn = ""  # names everything drawn so far
        self._next, self._ahead = -1, None

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of ``step``, on the device.

        Raises:
            StreamflowError: a recording that cannot be read.
        """
        item = self.batches[step] if not self.hardware.workers else self._from_workers(step)
        if isinstance(item, StreamflowError):
            raise item
        crops = np.ascontiguousarray(item.pop("crops").numpy())
        self.drawn = hashlib.sha256(self.drawn.encode() + crops.tobytes()).hexdigest()[:16]
        return self.hardware.to(item)

    def _from_workers(self, step: int) -> dict[str, Tensor] | StreamflowError:
        if self._ahead is None or step != self._next:
            self._ahead = self._start(step)
        self._next = step + 1
        return next(self._ahead)

    def _start(self, step: int) -> Iterator:
        loader = DataLoader(
            self.batches,
            batch_size=None,
            sampler=range(step, self.horizon),
            num_workers=self.hardware.workers,
            prefetch_factor=4,
            pin_memory=self.hardware.device.type == "cuda",
            worker_init_fn=_quiet,
            generator=torch.Generator(),  # the step's own generator is not to be drawn from
            multiprocessing_context="fork",  # the speech in memory is shared, not copied
        )
        return iter(loader)

    def close(self) -> None:
        """Stop the reading processes."""
        self._ahead = None

"""The noise that the flow starts from: a function of (seed, absolute frame), however it is sliced.

Drawing it afresh for each chunk is the largest single cause of seams (notes in docs/decoding.md), and it would make two
strategies differ by luck. A counter-based generator (Philox: Salmon et al., SC 2011) gives any slice directly.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .mel import BANDS

TILE = 32  # frames drawn from one counter


def frame_noise(seed: int, start: int, stop: int) -> Tensor:
    """Standard normal float32 ``[stop - start, 80]`` of the absolute frames ``start`` to ``stop - 1``."""
    first, last = start // TILE, max(start, stop - 1) // TILE
    tiles = [_tile(seed, i) for i in range(first, last + 1)]
    return torch.from_numpy(np.concatenate(tiles)[start - first * TILE : stop - first * TILE])


def _tile(seed: int, index: int) -> np.ndarray:
    bits = np.random.Philox(key=seed % 2**64, counter=[0, 0, 0, index])
    return np.random.Generator(bits).standard_normal((TILE, BANDS), dtype=np.float32)

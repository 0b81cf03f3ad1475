"""The positions that a seam is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SAMPLE_RATE = 16_000
FRAME = 160  # samples; positions that a seam is compared with lie on its frame grid
NEAR_S, FAR_S = 0.12, 0.5  # bounds of how far from its seam such a position may lie
GUARD_S = 0.03  # how far from any seam it must lie, or a quarter of the chunk where that is less
FEWEST_POSITIONS = 6  # without so many around it a seam is not counted
MARGIN = 320  # samples between a position and the ends of the file


def positions_around(seam: int, seams: Sequence[int], length: int) -> np.ndarray:
    """Positions that a seam is compared with: int64 ``[k]``, whole frames from it, off every seam, inside the file.

    Args:
        seam: one of ``seams``.
        seams: all of them, in order.
        length: samples of the file.
    """
    seams = np.asarray(seams)
    pool = seam + FRAME * np.arange(-reach_of(seams), reach_of(seams) + 1)
    pool = pool[(pool >= MARGIN) & (pool <= length - MARGIN)]
    return pool[distance_to_seams(pool, seams) >= guard_of(seams)]


def period_of(seams: np.ndarray) -> float:
    """Median distance of neighbouring seams in samples; of one seam alone, twice the furthest reach."""
    return float(np.median(np.diff(seams))) if len(seams) > 1 else 2 * FAR_S * SAMPLE_RATE


def reach_of(seams: np.ndarray) -> int:
    """How many frames from its seam a position may lie: half a chunk, within bounds."""
    return int(np.clip(period_of(seams) / 2, NEAR_S * SAMPLE_RATE, FAR_S * SAMPLE_RATE)) // FRAME


def guard_of(seams: np.ndarray) -> float:
    """How many samples from any seam a position must lie."""
    return min(GUARD_S * SAMPLE_RATE, period_of(seams) / 4)


def distance_to_seams(positions: np.ndarray, seams: np.ndarray) -> np.ndarray:
    """Samples to the nearest seam, int64 ``[k]``; ``seams`` sorted, at least one."""
    after = np.searchsorted(seams, positions)
    left = np.abs(positions - seams[np.clip(after - 1, 0, len(seams) - 1)])
    right = np.abs(positions - seams[np.clip(after, 0, len(seams) - 1)])
    return np.minimum(left, right)

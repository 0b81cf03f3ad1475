"""Every measure at every seam, and at everything that a seam is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.seams.measures import MEASURES, Measure
from harness.seams.positions import FEWEST_POSITIONS, MARGIN, SAMPLE_RATE, positions_around
from harness.seams.signal import Signal

COLUMNS = ["measure", "unit", "sample", "role", "value"]
UNLIKE_DB = 1e3  # a match that differs in voicing is taken only where there is no other


def seam_table(
    samples: np.ndarray, seams: Sequence[int], reference: np.ndarray | None = None, sample_rate: int = SAMPLE_RATE
) -> pd.DataFrame:
    """Every measure at every seam, at a matched interior position each, and the same in the reference.

    Args:
        samples: float ``[n]`` at 16 kHz, finite.
        seams: the first sample of each chunk; those within 20 ms of an end (0 among them) are left out.
        reference: float ``[m]`` at 16 kHz, in time with ``samples``, or None.
        sample_rate: must be 16000.

    Returns:
        Columns ``measure``, ``unit``, ``sample``, ``role``, ``value``. Roles: ``seam``; ``interior``, of the positions
        around the seam where the measure exists the one most like it in voicing, then in energy, one for each seam and
        in the same order; ``reference`` and ``reference_interior``, the same of the reference. One row a measure,
        sample -1: ``grid_mean`` and ``grid_sd`` of the measure's mean over all shifted grids; ``score_sum`` and
        ``score_variance``, over the seams, of a seam's normal score among the positions around it and of that score's
        variance when the seam is one of them like any other: z is their quotient (van der Waerden), which long tails
        of a measure do not touch; each with ``reference_`` before it of the reference. A measure that does not exist
        at a position (F0 in a pause) has no row there.

    Raises:
        ValueError: another rate, not mono, or not finite.
    """
    signal = Signal.checked(samples, sample_rate)
    sorted_seams = np.array(sorted({int(seam) for seam in seams}), np.int64)
    parts = [_rows(signal, sorted_seams, "")]
    if reference is not None:
        parts.append(_rows(Signal.checked(reference, sample_rate), sorted_seams, "reference_"))
    columns = {name: [value for part in parts for value in part[name]] for name in COLUMNS}
    return pd.DataFrame(columns, columns=COLUMNS)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the seams and the positions around them lie: ``every`` int64 ``[p]``, and indices into it.

    ``seam`` int ``[s]``; ``pool`` int ``[s, k]``, its short rows filled up, ``member`` false there; ``apart`` float
    ``[s, k]``, how unlike its seam a position is in dB, voicing first.
    """

    every: np.ndarray
    seam: np.ndarray
    pool: np.ndarray
    member: np.ndarray
    apart: np.ndarray

    @classmethod
    def of(cls, signal: Signal, seams: np.ndarray) -> _Layout | None:
        inside = seams[(seams >= MARGIN) & (seams <= len(signal.samples) - MARGIN)]
        if not len(inside):
            return None
        pools = [positions_around(seam, seams, len(signal.samples)) for seam in inside]
        longest = max(map(len, pools))
        filled = np.stack([np.pad(pool, (0, longest - len(pool)), constant_values=-1) for pool in pools])
        member = filled >= 0
        every = np.unique(np.concatenate([inside, filled[member]]))
        seam, pool = np.searchsorted(every, inside), np.searchsorted(every, np.where(member, filled, every[0]))
        loudness, voiced = signal.loudness(every), signal.voiced(every)
        apart = np.abs(loudness[pool] - loudness[seam, None]) + UNLIKE_DB * (voiced[pool] != voiced[seam, None])
        return cls(every, seam, pool, member, apart)


def _rows(signal: Signal, seams: np.ndarray, prefix: str) -> dict[str, list]:
    """The rows that one signal gives, by column: at the seams, at their matches, and of all shifted grids."""
    rows: dict[str, list] = {name: [] for name in COLUMNS}
    layout = _Layout.of(signal, seams)
    if layout is None:
        return rows
    for measure in MEASURES.values():
        for role, (samples, values) in _compare(measure, measure.at(signal, layout.every), layout).items():
            rows["measure"] += [measure.name] * len(values)
            rows["unit"] += [measure.unit] * len(values)
            rows["role"] += [prefix.rstrip("_") if prefix and role == "seam" else prefix + role] * len(values)
            rows["sample"] += samples
            rows["value"] += values
    return rows


def _compare(measure: Measure, values: np.ndarray, layout: _Layout) -> dict[str, tuple[list[int], list[float]]]:
    """Samples and values by role: at the seams and at their matches, then of all shifted grids."""
    pool = np.where(layout.member, values[layout.pool], np.nan)
    counted = np.isfinite(values[layout.seam]) & (np.isfinite(pool).sum(axis=1) >= FEWEST_POSITIONS)
    if not counted.any():
        return {}
    seam, pool, places = layout.seam[counted], pool[counted], layout.pool[counted]
    exists = np.isfinite(pool)
    rank = layout.apart[counted] if measure.alike else _drawn(layout.every[places])
    best = np.where(exists, rank, np.inf).argmin(axis=1)
    match = places[np.arange(len(seam)), best]
    count = exists.sum(axis=1)
    # a seam's own scatter, and that of the mean of the positions it is held against
    variance = np.nanvar(pool, axis=1, ddof=1) * (1 + 1 / count)
    score, score_variance = normal_scores(values[seam], pool)
    return {
        "seam": (layout.every[seam].tolist(), values[seam].tolist()),
        "interior": (layout.every[match].tolist(), values[match].tolist()),
        "grid_mean": ([-1], [float(np.nanmean(pool, axis=1).mean())]),
        "grid_sd": ([-1], [float(np.sqrt(variance.sum()) / len(seam))]),
        "score_sum": ([-1], [float(score.sum())]),
        "score_variance": ([-1], [float(score_variance.sum())]),
    }


def normal_scores(own: np.ndarray, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal score of each value among its pool and itself, and the variance of such a score when ranks are random.

    Ties share their mean rank. Mean 0 and this variance are exact for a value that is exchangeable with its pool.

    Args:
        own: float64 ``[s]``.
        pool: float64 ``[s, k]``, NaN where there is nothing.

    Returns:
        float64 ``[s]`` each.
    """
    from scipy.special import ndtri

    together = np.column_stack([own, pool])
    exists = np.isfinite(together)
    below = (together[:, :, None] > together[:, None, :]).sum(axis=2)
    equal = (together[:, :, None] == together[:, None, :]).sum(axis=2)
    count = exists.sum(axis=1)
    share = (below + equal / 2) / count[:, None]
    scores = np.where(exists, ndtri(np.where(exists, share, 0.5)), 0.0)
    return scores[:, 0], (scores**2).sum(axis=1) / count


def _drawn(positions: np.ndarray) -> np.ndarray:
    """A number for each position as good as drawn, and the same in every run (Knuth's multiplicative hash)."""
    return positions * 2654435761 % 2**32

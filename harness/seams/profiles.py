"""Measures and distances against where in a chunk they lie: what a seam does, and how far it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.seams.measures import MEASURES
from harness.seams.positions import FRAME, MARGIN, SAMPLE_RATE, distance_to_seams, reach_of
from harness.seams.signal import Signal

PROFILE_COLUMNS = ["kind", "offset_s", "value", "n"]
FOLDED = ("click", "mel_flux", "group_delay", "phase_deviation", "energy_step_db", "excess_pause")
MEL_DISTANCE = "mel_distance_to_full"


def profile_rows(
    samples: np.ndarray, seams: Sequence[int], full_samples: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """Every profile of one rendering: the rows of the run's table ``profiles``, but for who they are of.

    Args:
        samples: float ``[n]`` at 16 kHz.
        seams: the first sample of each chunk.
        full_samples: the same tokens decoded whole, or None.

    Returns:
        Rows with ``kind`` (a measure's name, or ``mel_distance_to_full``), ``offset_s``, ``value``, ``n``.
    """
    signal = Signal.checked(samples, SAMPLE_RATE)
    parts = [_fold(signal, _inner(seams, len(signal.samples)), measure) for measure in FOLDED]
    if full_samples is not None:
        parts.append(mel_distance_by_offset(samples, full_samples, seams))
    return [row for part in parts for row in part.to_dict("records")]


def fold(samples: np.ndarray, seams: Sequence[int], measure: str) -> pd.DataFrame:
    """A measure folded over the grid of chunks: its mean at each distance from the seams.

    Distances are whole frames of 10 ms, as far as half a chunk: what a vocoder does once in every frame, and it does
    (the residual of one peaks 2.5 ms into each), is then the same at all of them. A position nearer to another seam is
    left out.

    Args:
        samples: float ``[n]`` at 16 kHz, finite.
        seams: the first sample of each chunk.
        measure: a name in ``MEASURES``.

    Returns:
        Columns ``kind`` (the measure), ``offset_s`` (s, negative before the seam, ascending), ``value``, ``n`` seams.

    Raises:
        KeyError: no such measure.
        ValueError: a signal that cannot be measured.
    """
    signal = Signal.checked(samples, SAMPLE_RATE)
    return _fold(signal, _inner(seams, len(signal.samples)), measure)


def _inner(seams: Sequence[int], length: int) -> np.ndarray:
    found = np.array(sorted({int(seam) for seam in seams}), np.int64)
    return found[(found >= MARGIN) & (found <= length - MARGIN)]


def _fold(signal: Signal, seams: np.ndarray, measure: str) -> pd.DataFrame:
    at = MEASURES[measure].at
    if not len(seams):
        return pd.DataFrame(columns=PROFILE_COLUMNS)
    offsets = FRAME * np.arange(-reach_of(seams), reach_of(seams) + 1)
    positions = seams[:, None] + offsets
    own = np.abs(offsets) <= distance_to_seams(positions.ravel(), seams).reshape(positions.shape)
    inside = own & (positions >= MARGIN) & (positions <= len(signal.samples) - MARGIN)
    every, where = np.unique(positions[inside], return_inverse=True)
    values = np.full(positions.shape, np.nan)
    values[inside] = at(signal, every)[where]
    return _means(measure, offsets / SAMPLE_RATE, values)


def mel_distance_by_offset(samples: np.ndarray, full_samples: np.ndarray, seams: Sequence[int]) -> pd.DataFrame:
    """Distance of streaming from offline decoding against the distance to the seams.

    Per frame of 10 ms the mean over 80 bands of the absolute difference of log-mel spectra in dB, floored 80 dB below
    the loudest band of the offline rendering, as in the metric ``mel_distance``; but without matching levels, since a
    level that is off near the seams is part of what is looked for. A frame's offset is that of its middle.

    Args:
        samples, full_samples: float ``[n]`` and ``[m]`` at 16 kHz, in time; compared over the shorter one.
        seams: of ``samples``.

    Returns:
        Columns ``kind`` (``mel_distance_to_full``), ``offset_s`` (middles of 10 ms bins), ``value`` (dB), ``n`` frames.
    """
    from streamflow.mel import log_mel

    length = min(len(samples), len(full_samples))
    inner = _inner(seams, length)
    if not len(inner) or length < 3 * FRAME:
        return pd.DataFrame(columns=PROFILE_COLUMNS)
    ours, whole = (20 / np.log(10) * log_mel(np.asarray(s[:length])).numpy() for s in (samples, full_samples))
    floor = whole.max() - 80.0
    distance = np.abs(np.maximum(ours, floor) - np.maximum(whole, floor)).mean(axis=1, dtype=np.float64)
    middles = FRAME * np.arange(len(distance)) + FRAME // 2
    after = np.clip(np.searchsorted(inner, middles), 0, len(inner) - 1)
    before = np.clip(after - 1, 0, len(inner) - 1)
    nearest = np.where(np.abs(middles - inner[before]) <= np.abs(middles - inner[after]), inner[before], inner[after])
    bins = np.floor((middles - nearest) / FRAME).astype(np.int64)
    kept = np.abs(bins + 0.5) <= reach_of(inner)
    offsets, where = np.unique(bins[kept], return_inverse=True)
    count = np.bincount(where)
    means = np.bincount(where, weights=distance[kept]) / count
    columns = {"kind": MEL_DISTANCE, "offset_s": (offsets + 0.5) * FRAME / SAMPLE_RATE, "value": means, "n": count}
    return pd.DataFrame(columns, columns=PROFILE_COLUMNS)


def _means(kind: str, offsets_s: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """Means of the columns of ``[seams, offsets]`` that have values."""
    exists = np.isfinite(values)
    count = exists.sum(axis=0)
    kept = count > 0
    means = np.where(exists, values, 0).sum(axis=0)[kept] / count[kept]
    columns = {"kind": kind, "offset_s": offsets_s[kept], "value": means, "n": count[kept]}
    return pd.DataFrame(columns, columns=PROFILE_COLUMNS)

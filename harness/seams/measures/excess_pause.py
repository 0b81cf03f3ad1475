"""A pause that begins, ends or lies at the position."""

from __future__ import annotations

import functools

import numpy as np

from harness.seams.measures.base import Measure
from harness.seams.positions import SAMPLE_RATE
from harness.seams.signal import Signal

HOP = 40  # samples, 2.5 ms
SILENT_DB = 40.0  # below the level of the speech: what STOI leaves out as silence
TOUCHES = 160  # samples, 10 ms: how near a pause must come
SHORTEST = 160  # samples, 10 ms: the closed phase of a low voice is no pause


def excess_pause(signal: Signal, positions: np.ndarray) -> np.ndarray:
    """Milliseconds of the longest pause within 10 ms of the position; 0 for none. It is in excess of the positions
    around and of the reference, as every measure is."""
    starts, stops = _pauses(signal)
    lengths = np.concatenate([[0.0], (stops - starts) * 1000 / SAMPLE_RATE])
    first = np.searchsorted(stops, positions - TOUCHES)
    last = np.searchsorted(starts, positions + TOUCHES, side="right") - 1
    touched = last >= first
    # no two pauses of 10 ms and what lies between them fit into 20 ms but at its edges: both ends see all there are
    ends = np.maximum(lengths[np.minimum(first, len(starts) - 1) + 1], lengths[last + 1])
    return np.where(touched, ends, 0.0)


def _pauses(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    return _find_pauses(signal)


@functools.lru_cache(maxsize=4)
def _find_pauses(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    """First samples and ends of the stretches 40 dB below the speech, int64 each."""
    level = signal.energy_db(HOP * np.arange(len(signal.samples) // HOP), HOP)
    speech = signal.energy_db(320 * np.arange(max(1, len(signal.samples) // 320)), 320)
    silent = np.concatenate([[False], level < np.percentile(speech, 95) - SILENT_DB, [False]])
    edges = HOP * np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2)
    edges = edges[edges[:, 1] - edges[:, 0] >= SHORTEST]
    return edges[:, 0], edges[:, 1]


MEASURE = Measure("excess_pause", "ms", excess_pause, "pauses that the seam adds", alike=False)

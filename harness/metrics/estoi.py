"""ESTOI: STOI extended to modulated maskers; the more sensitive of the two."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.intelligibility import ACTIVE_S, by_package, segments
from harness.metrics.stoi import TOO_LITTLE

STILL = 1e-8  # relative norm under which rounding and the noise of 1e-16 that pystoi adds begin to show


def estoi(pair: Pair) -> float | Unscored:
    """ESTOI, about 0 to 1, as by pystoi (10 kHz, frames 40 dB below the loudest of the reference removed)."""
    blocks = segments(pair)
    if not blocks:
        return Unscored(TOO_LITTLE)
    total = frames = 0.0
    for block in blocks:
        degraded, reference = (_standardised(stretches) for stretches in block)
        if degraded is None or reference is None:  # digital silence within speech: pystoi's answer hangs on its noise
            value = by_package(pair, extended=True)
            return Unscored(TOO_LITTLE) if value is None else value
        total += float(np.vdot(degraded, reference))
        frames += degraded.shape[1] * degraded.shape[2]
    return total / frames


def _standardised(stretches: np.ndarray) -> np.ndarray | None:
    """Bands centred over time and made length 1, then frames over bands likewise; None where there is nothing to centre."""
    largest = np.abs(stretches).max()
    by_time = stretches - stretches.mean(axis=2, keepdims=True)
    norms = np.sqrt(np.einsum("bst,bst->bs", by_time, by_time))[..., None]
    if norms.min() <= STILL * max(largest, 1.0):
        return None
    by_time /= norms
    by_band = by_time - by_time.mean(axis=0, keepdims=True)
    norms = np.sqrt(np.einsum("bst,bst->st", by_band, by_band))[None]
    if norms.min() <= STILL:
        return None
    by_band /= norms
    return by_band


METRIC = Metric(
    name="estoi",
    unit="",
    direction="higher",
    source="Jensen and Taal, IEEE/ACM TASLP 24(11), 2016",
    function=estoi,
    parameters="10kHz,40dB",
    packages=("pystoi",),
    minimum_s=ACTIVE_S,
    standard=True,
)

"""STOI: short-time objective intelligibility."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.intelligibility import ACTIVE_S, segments

TOO_LITTLE = f"the reference holds under {ACTIVE_S} s of active speech, fewer than the 30 frames needed"


def stoi(pair: Pair) -> float | Unscored:
    """STOI, about 0 to 1, as by pystoi (10 kHz, frames 40 dB below the loudest of the reference removed)."""
    blocks = segments(pair)
    if not blocks:
        return Unscored(TOO_LITTLE)
    bands, count = len(blocks[0][0]), sum(degraded.shape[1] for degraded, _ in blocks)
    return sum(_correlations(*block) for block in blocks) / (bands * count)


def _correlations(degraded: np.ndarray, reference: np.ndarray) -> float:
    """The sum over bands and stretches of the correlation of the rendering, levelled and clipped, with the reference."""
    from pystoi.stoi import BETA
    from pystoi.utils import EPS

    gain = _norm(reference) / (_norm(degraded) + EPS)
    clipped = np.minimum(degraded * gain, reference * (1 + 10 ** (-BETA / 20)))
    return float(np.vdot(_standardised(clipped), _standardised(reference)))


def _standardised(stretches: np.ndarray) -> np.ndarray:
    """Without their mean over time, and of length 1."""
    from pystoi.utils import EPS

    centred = stretches - stretches.mean(axis=2, keepdims=True)
    centred /= _norm(centred) + EPS
    return centred


def _norm(stretches: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("bst,bst->bs", stretches, stretches))[..., None]


METRIC = Metric(
    name="stoi",
    unit="",
    direction="higher",
    source="Taal et al., IEEE TASLP 19(7), 2011",
    function=stoi,
    parameters="10kHz,40dB",
    packages=("pystoi",),
    minimum_s=ACTIVE_S,
    standard=True,
)

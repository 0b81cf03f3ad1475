"""STOI: short-time objective intelligibility."""

from __future__ import annotations

import warnings

import numpy as np

from harness.metrics.base import SAMPLE_RATE, Metric, Pair, Unscored

ACTIVE_S = 0.397  # 30 frames of 25.6 ms at half overlap, silent ones removed


def intelligibility(pair: Pair, extended: bool) -> float | Unscored:
    """STOI or ESTOI, about 0 to 1, by pystoi (10 kHz, frames 40 dB below the loudest of the reference removed)."""
    from pystoi import stoi as pystoi

    state = np.random.get_state()  # ESTOI adds noise of 1e-16 from the global generator: make it repeat, leave no trace
    try:
        np.random.seed(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
            return float(pystoi(pair.reference, pair.degraded, SAMPLE_RATE, extended=extended))
    except RuntimeWarning:  # pystoi would have returned 1e-5, which averages like a score
        return Unscored(f"the reference holds under {ACTIVE_S} s of active speech, fewer than the 30 frames needed")
    finally:
        np.random.set_state(state)


def stoi(pair: Pair) -> float | Unscored:
    """STOI."""
    return intelligibility(pair, extended=False)


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

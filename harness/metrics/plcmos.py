"""PLCMOS: opinion score of packet-loss concealment, predicted without a reference; a second opinion on seams."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.speechmos_model import PACKAGES, SHORTEST_S, beyond_full_scale, plcmos_model

SEED = 0  # of the 15 raters that the package draws, and that would otherwise differ from call to call


def plcmos(pair: Pair) -> float | Unscored:
    """MOS, 1 to 5: the mean over 15 raters, the same ones every time."""
    if refusal := beyond_full_scale(pair):
        return refusal
    state = np.random.get_state()  # the package draws from the global generator
    try:
        np.random.seed(SEED)
        return float(plcmos_model()(pair.whole_degraded)["plcmos"])
    finally:
        np.random.set_state(state)


METRIC = Metric(
    name="plcmos",
    unit="MOS",
    direction="higher",
    source="Diener et al., PLCMOS, Interspeech 2023",
    function=plcmos,
    parameters=f"v2,16kHz,15-raters,seed-{SEED}",
    packages=PACKAGES,
    minimum_s=SHORTEST_S,
    needs=frozenset(),
)

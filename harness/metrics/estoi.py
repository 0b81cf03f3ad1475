"""ESTOI: STOI extended to modulated maskers; the more sensitive of the two."""

from __future__ import annotations

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.stoi import ACTIVE_S, intelligibility


def estoi(pair: Pair) -> float | Unscored:
    """ESTOI."""
    return intelligibility(pair, extended=True)


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

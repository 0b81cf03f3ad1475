"""PESQ, narrow band: telephone quality, for comparison with older tables; wide band is the one to read."""

from __future__ import annotations

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.pesq_wb import mos_lqo


def pesq_nb(pair: Pair) -> float | Unscored:
    """MOS-LQO, 1.0 to 4.55, by ITU-T P.862 mapped by P.862.1 (the raw score is another scale)."""
    return mos_lqo(pair, "nb")


METRIC = Metric(
    name="pesq_nb",
    unit="MOS-LQO",
    direction="higher",
    source="ITU-T P.862 (2001), mapped by P.862.1 (2003)",
    function=pesq_nb,
    parameters="nb,16kHz,P.862.1",
    packages=("pesq",),
    minimum_s=0.25,
)

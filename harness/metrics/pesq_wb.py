"""PESQ, wide band: the perceptual distance to the reference as a mean opinion score."""

from __future__ import annotations

from typing import Literal

from harness.metrics.base import SAMPLE_RATE, Metric, Pair, Unscored


def pesq_wb(pair: Pair) -> float | Unscored:
    """MOS-LQO, 1.0 to 4.64, by ITU-T P.862.2 in ludlows' build of the ITU code (without Corrigendum 2).

    PESQ aligns in time and level by itself, so that it hides a constant delay and gain.
    """
    return mos_lqo(pair, "wb")


def mos_lqo(pair: Pair, band: Literal["wb", "nb"]) -> float | Unscored:
    """PESQ of a pair at 16 kHz, or what the package itself says it lacks."""
    from pesq import PesqError, pesq

    try:
        return float(pesq(SAMPLE_RATE, pair.reference, pair.degraded, band))
    except PesqError as error:  # its messages come as bytes
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        return Unscored(f"PESQ: {reason or type(error).__name__}")
    except ValueError as error:  # what a signal that PESQ takes for silence ends in
        return Unscored(f"PESQ: {error}")


METRIC = Metric(
    name="pesq_wb",
    unit="MOS-LQO",
    direction="higher",
    source="ITU-T P.862.2 (2007)",
    function=pesq_wb,
    parameters="wb,16kHz,no-corrigendum-2",
    packages=("pesq",),
    minimum_s=0.25,
    standard=True,
)

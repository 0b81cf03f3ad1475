"""Mel-cepstral distortion, frame by frame: the spectral envelope, apart from level and pitch."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.mel_cepstrum import DB_PER_UNIT, FEWEST_FRAMES, PACKAGES, PARAMETERS, active, mel_cepstra


def mcd(pair: Pair) -> float | Unscored:
    """Mean over the reference's active frames of (10 / ln 10) sqrt(2 sum of squared differences of c1 to c24), in dB.

    For renderings that keep the reference's timing; :mod:`~harness.metrics.mcd_dtw` is for those that do not, and the
    two must not be compared.
    """
    degraded, _ = mel_cepstra(pair.degraded)
    reference, power = mel_cepstra(pair.reference)
    frames = active(power)
    if frames.sum() < FEWEST_FRAMES:
        return Unscored(f"the reference has {frames.sum()} active frames of 5 ms, {FEWEST_FRAMES} are needed")
    return float(np.mean(DB_PER_UNIT * np.linalg.norm(degraded[frames] - reference[frames], axis=1)))


METRIC = Metric(
    name="mcd",
    unit="dB",
    direction="lower",
    source="Kubichek, IEEE PACRIM 1993; envelope by WORLD, Morise, Speech Communication 67, 2015",
    function=mcd,
    parameters=f"{PARAMETERS},frame-synchronous",
    packages=PACKAGES,
    minimum_s=0.25,
    standard=True,
)

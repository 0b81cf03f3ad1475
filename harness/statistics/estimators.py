"""Which metrics have differences with heavy tails, and are therefore told by trimmed means."""

from __future__ import annotations

from .trimmed import TRIM

HEAVY = ("pesq_", "f0_")
"""Beginnings of their names. One utterance in fifty falls by ten standard deviations, in PESQ by an alignment jump,
in F0 by an octave error, which gives the differences a skew of -4 and beyond. A test of the mean at 5 % then passes a
candidate that is exactly at the margin in 12 to 17 of 100 tries; one of the 20 % trimmed mean does in 5 to 6
(``simulation``). The other side of it: a trimmed mean does not see the fallen utterances at all, so count them beside
it."""

MEAN, TRIMMED_MEAN = "mean", "20 % trimmed mean"


def trim_of(metric: str) -> float:
    """The share to cut at each end of the differences of a metric: 0.2 or 0."""
    return TRIM if metric.startswith(HEAVY) else 0.0


def estimator_for(metric: str) -> str:
    """How the differences of a metric are averaged: ``"mean"`` or ``"20 % trimmed mean"``."""
    return TRIMMED_MEAN if metric.startswith(HEAVY) else MEAN

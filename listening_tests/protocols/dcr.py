"""Degradation category rating, ITU-T P.800 Annex D: the reference first, then the system, five categories of annoyance."""

from __future__ import annotations

from .scale import ReferencedScaleProtocol, five_points


class Dcr(ReferencedScaleProtocol):
    """Reference always first and named, as the Recommendation has it; identical pairs are its null pairs."""

    name = "dcr"
    standard = "degradation category rating after ITU-T P.800 (Annex D) and P.808"
    scale = five_points("dcr")

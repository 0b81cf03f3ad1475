"""Absolute category rating, ITU-T P.800 Annex B and P.808: one clip, five categories, no reference."""

from __future__ import annotations

from .scale import ScaleProtocol, five_points


class AcrQuality(ScaleProtocol):
    """Listening quality, the question of P.800."""

    name = "acr-quality"
    standard = "absolute category rating of listening quality after ITU-T P.800 (Annex B) and P.808"
    scale = five_points("acr")


class AcrNaturalness(ScaleProtocol):
    """The same scale asked for naturalness, as is usual for synthetic speech (the wording changes the scores)."""

    name = "acr-naturalness"
    standard = "absolute category rating of naturalness on the five categories of ITU-T P.800 (Annex B)"
    scale = five_points("acr")

"""Speaker similarity: is the voice in A the voice of the reference?"""

from __future__ import annotations

from .scale import ReferencedScaleProtocol, five_points


class SimilarityMos(ReferencedScaleProtocol):
    """Five categories of similarity to the reference recording's voice, apart from quality."""

    name = "similarity-mos"
    standard = "five-point rating of speaker similarity to a reference recording (similarity MOS)"
    scale = five_points("similarity")

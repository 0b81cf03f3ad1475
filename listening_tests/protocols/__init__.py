"""The protocols of listening tests, by name."""

from __future__ import annotations

from harness.corpus import did_you_mean

from ..errors import StudyError
from .ab import Ab
from .abx import Abx, AbxOffline
from .acr import AcrNaturalness, AcrQuality
from .arrival import ArrivalReplay
from .base import BEEPS, NEEDS, Condition, Protocol
from .ccr import Ccr
from .dcr import Dcr
from .same_different import SameDifferent
from .seam_locating import SeamLocating
from .similarity import SimilarityMos
from .sliders import MultiStimulus, Mushra

__all__ = ["BEEPS", "NEEDS", "REGISTRY", "Condition", "Protocol", "get_protocol", "text_keys"]

REGISTRY: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        AcrNaturalness(), AcrQuality(), SimilarityMos(), Dcr(), Ccr(), Ab(), Abx(), SameDifferent(), Mushra(),
        MultiStimulus(), ArrivalReplay(), SeamLocating(), AbxOffline(),
    )
}  # fmt: skip


def get_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        StudyError: there is none.
    """
    if name not in REGISTRY:
        raise StudyError(f"unknown protocol {name!r}{did_you_mean(name, list(REGISTRY))}; known: {', '.join(REGISTRY)}")
    return REGISTRY[name]


def text_keys() -> frozenset[str]:
    """Every key of the interface texts that trials may name."""
    return frozenset().union(*(protocol.text_keys() for protocol in REGISTRY.values()))

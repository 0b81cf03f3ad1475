"""What simulated listeners hear: a latent quality a system on the ACR scale, 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import StudyError
from ..model import ANCHOR_LOW, ANCHOR_MID, REFERENCE

OFFLINE = "full"  # what abx-offline plays beside the systems, though it is none of the study's
FIXED = {REFERENCE: 4.7, OFFLINE: 4.2, ANCHOR_MID: 3.0, ANCHOR_LOW: 1.8}
BEST, WORST = 4.2, 2.4


def spaced_qualities(systems: Sequence[str]) -> dict[str, float]:
    """Evenly spaced from 4.2 for the first system to 2.4 for the last; one system alone gets 3.6."""
    if len(systems) == 1:
        return {systems[0]: 3.6}
    step = (BEST - WORST) / (len(systems) - 1)
    return {system: BEST - index * step for index, system in enumerate(systems)}


def with_fixed(qualities: Mapping[str, float]) -> dict[str, float]:
    """With the reference, the anchors and the offline decoder, which a protocol may bring."""
    return {**FIXED, **qualities}


def parse_qualities(text: str, systems: Sequence[str]) -> dict[str, float]:
    """Read ``full=4.2,naive=3.1``; ``equal`` makes all systems 3.5, the null hypothesis.

    Raises:
        StudyError: a system that is missing or not in the study, or a number that is none.
    """
    if text == "equal":
        return dict.fromkeys(systems, 3.5)
    qualities: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name.strip() not in systems:
            raise StudyError(f"--quality: {name.strip()!r} is not a system of the study; it has {', '.join(systems)}")
        try:
            qualities[name.strip()] = float(number)
        except ValueError:
            raise StudyError(f"--quality: {part!r} is not NAME=NUMBER, such as {systems[0]}=3.8") from None
    if missing := [system for system in systems if system not in qualities]:
        raise StudyError(f"--quality: no value for {', '.join(missing)}; give one for every system, or 'equal'")
    return qualities

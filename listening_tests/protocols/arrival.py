"""Arrival replay: the audio as it arrived, with its first-audio delay, stalls and underruns in it.

The stimuli are rendered from the measured trace of a run (``listening_tests.stimuli.arrival``), so that the wait and the gaps
are part of the sound. One five-category question after P.800 covers sound and waiting together.
"""

from __future__ import annotations

from .scale import ScaleProtocol, five_points


class ArrivalReplay(ScaleProtocol):
    """ACR of what a user of the stream would have heard."""

    name = "arrival-replay"
    standard = (
        "absolute category rating (five categories of ITU-T P.800) of each stream replayed on its measured arrival schedule, "
        "with first-audio delay, stalls and underruns"
    )
    scale = five_points("acr")
    needs = frozenset({"arrival"})

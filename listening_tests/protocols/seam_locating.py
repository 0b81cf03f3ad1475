"""Seam locating: press when you hear a join; scored against the seams where chunks really meet.

A press answers a seam if it comes 0.1 to 1.0 s after it: nobody reacts faster than 0.1 s to a sound, and reactions in
detection tasks rarely take a second. One press answers at most one seam and a seam takes at most one press, so that
pressing all the time costs false presses. A seam less than 1.0 s before the end is not scored, nor is a press that
answers it: there the listener has not the whole time to press. Seams of streams are about as far apart as the window is
long, so compare with the presses expected by chance (the offline system, which has no seam, shows them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import AnswerError
from ..model import Rating, Step, Stimulus
from .base import Condition, Protocol, only_keys
from .clips import seconds_of

REACTION_S = (0.1, 1.0)  # earliest and latest press that answers a seam
MOST_PRESSES_PER_S = 12  # more than fingers can do: the page is broken or a program answers


class SeamLocating(Protocol):
    """Answer ``{"presses": [seconds, ...]}`` in the clip's time, of one listening; [] says that none was heard.

    Rows: one a real seam (truth ``seam``, 1 hit, 0 missed, ``response`` the press), one a false press (truth ``none``,
    1), and where there was no false press one with truth ``none`` and 0, so that every trial is in the table.
    ``order`` counts seams, then false presses, from 0.
    """

    name = "seam-locating"
    view = "seams"
    standard = (
        f"seam detection by key press, {REACTION_S[0]} to {REACTION_S[1]} s after a chunk's edge counted as a hit"
    )
    value_range = (0.0, 1.0)
    needs = frozenset({"seams"})
    answering_s = 3.0

    def _labels(
        self, condition: Condition, variant: int, rng: np.random.Generator
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"A": condition[0]}, {}

    def _clip_key(self, clips: Mapping[str, Stimulus]) -> dict[str, Any]:
        clip = clips["A"]
        return {
            "seams": [round(seam / clip.rate, 4) for seam in clip.seams],
            "seconds": round(seconds_of(clip), 4),
            "reaction_s": list(REACTION_S),
        }

    def _check(self, step: Step, answer: Mapping[str, Any]) -> None:
        only_keys(answer, "presses")
        presses, last = answer["presses"], step.secret["key"]["seconds"] + REACTION_S[1]
        if not isinstance(presses, Sequence) or isinstance(presses, str | bytes):
            raise AnswerError("presses must be a list of seconds; reload the page and answer again")
        if len(presses) > MOST_PRESSES_PER_S * last:
            raise AnswerError("more presses than a hand can make; start again and press once for a join")
        for press in presses:
            number = isinstance(press, int | float) and not isinstance(press, bool) and math.isfinite(press)
            if not number or not 0 <= press <= last:
                raise AnswerError("a press lies outside the sound; start again and press while it plays")
        if any(later < earlier for earlier, later in pairwise(presses)):
            raise AnswerError("presses are not in the order of time; start again and listen once through")

    def _ratings(self, step: Step, answer: Mapping[str, Any]) -> list[Rating]:
        key, system = step.secret["key"], step.secret["systems"]["A"]
        hits, false = match_presses(key["seams"], answer["presses"], key["reaction_s"])
        scored = sum(seam + key["reaction_s"][1] <= key["seconds"] for seam in key["seams"])
        rows = [
            Rating("A", system, "", float(press is not None), "seam", "" if press is None else f"{press:.3f}", place)
            for place, press in enumerate(hits[:scored])
        ]
        wrong = [Rating("A", system, "", 1.0, "none", f"{press:.3f}", place) for place, press in enumerate(false)]
        return rows + (wrong or [Rating("A", system, "", 0.0, "none", "", 0)])


def match_presses(
    seams: Sequence[float], presses: Sequence[float], window: Sequence[float] = REACTION_S
) -> tuple[list[float | None], list[float]]:
    """Give each seam at most one press that lies in its window, as many as can be matched.

    All windows are equally long, so taking seams in time and giving each the earliest press left matches the most.

    Args:
        seams: seconds, ascending.
        presses: seconds.
        window: earliest and latest reaction, seconds.

    Returns:
        The press of every seam or None, and the presses that answer no seam.
    """
    left, hits = sorted(presses), []
    for seam in seams:
        # microseconds decide nothing here; without the tolerance 0.3 + 0.1 would lie outside 0.4
        answering = (press for press in left if seam + window[0] - 1e-6 <= press <= seam + window[1] + 1e-6)
        found = next(answering, None)
        if found is not None:
            left.remove(found)
        hits.append(found)
    return hits, left

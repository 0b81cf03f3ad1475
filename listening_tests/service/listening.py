"""Has the listener heard it? Decided here from what was played and how much time there was; the page only reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import AnswerError

MAX_INTERVALS = 2000  # a label
EDGE_S = 0.02  # what rounding and the ramps at both ends may cost
ELAPSED_SLACK_S = 0.75  # clocks, and the latency of a sound card
BEYOND_S = 0.25  # a player may report so much past the end

Intervals = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener heard of one step.

    Attributes:
        coverage: label -> share of the stimulus that was played, 0 to 1.
        seconds: of distinct sound, all stimuli together: the least time that playing it takes.
    """

    coverage: Mapping[str, float]
    seconds: float

    @property
    def least(self) -> float | None:
        """The smallest coverage, None for a step without sounds."""
        return min(self.coverage.values(), default=None)


def union_seconds(intervals: Intervals) -> float:
    """Length of the union of closed intervals, in their unit; overlaps and loops count once."""
    total, reached = 0.0, -math.inf
    for start, end in sorted(intervals):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


def measure(listened: Any, lengths: Mapping[str, float]) -> Heard:
    """Read the page's report.

    Args:
        listened: label -> [[from, to], ...] in seconds, as the page sent it.
        lengths: label -> seconds of the stimulus.

    Raises:
        AnswerError: not such a report.
    """
    if not isinstance(listened, Mapping) or not all(label in lengths for label in listened):
        raise AnswerError("what was listened to is not understood; reload the page and answer again")
    heard = {label: union_seconds(_intervals(listened.get(label, ()), length)) for label, length in lengths.items()}
    coverage = {label: min(1.0, heard[label] / length) if length else 1.0 for label, length in lengths.items()}
    return Heard(coverage, sum(heard.values()))


def check_heard(heard: Heard, lengths: Mapping[str, float], needed: float, elapsed_s: float | None) -> None:
    """Refuse an answer given before the sounds were heard.

    Args:
        needed: share of every stimulus.
        elapsed_s: since the step was first shown; None not to compare.

    Raises:
        AnswerError: less was heard, or more than there was time for.
    """
    for label, length in lengths.items():
        if heard.coverage[label] * length < needed * length - EDGE_S:
            raise AnswerError(f"please listen to all of {label} first; {heard.coverage[label]:.0%} of it was played")
    if elapsed_s is not None and heard.seconds > elapsed_s + ELAPSED_SLACK_S:
        raise AnswerError("please listen to the sounds first; there was not enough time to hear them")


def _intervals(given: Any, length: float) -> list[tuple[float, float]]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > MAX_INTERVALS:
        raise AnswerError("what was listened to is not understood; reload the page and answer again")
    return [_interval(pair, length) for pair in given]


def _interval(pair: Any, length: float) -> tuple[float, float]:
    fine = isinstance(pair, Sequence) and len(pair) == 2 and all(type(end) in (int, float) for end in pair)
    if (
        not fine
        or not all(math.isfinite(end) for end in pair)
        or not -BEYOND_S <= pair[0] <= pair[1] <= length + BEYOND_S
    ):
        raise AnswerError("what was listened to is not understood; reload the page and answer again")
    return min(max(pair[0], 0.0), length), min(max(pair[1], 0.0), length)

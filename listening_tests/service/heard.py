"""Was it heard? The union of what was played, and whether there was time for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import AnswerError

JOIN_S = 0.02  # gaps shorter than that are the player's rounding, not silence
CLOCK_S = 0.5  # the server's and the page's clocks may differ so much about when a step began
MAX_PIECES = 2000  # a page that plays honestly sends far fewer


def union_seconds(intervals: Iterable[Sequence[float]], seconds: float) -> float:
    """Seconds of ``[0, seconds]`` that lie in at least one interval.

    Seeking to the end and looping a part add nothing to what has been covered.
    """
    covered, end = 0.0, 0.0
    for start, stop in sorted((max(0.0, float(a)), min(seconds, float(b))) for a, b in intervals):
        start = max(start, end)
        if stop > start:
            covered += stop - start
        end = max(end, stop)
    return covered


def coverage(listened: Mapping[str, Any], seconds: Mapping[str, float]) -> dict[str, float]:
    """Share of every stimulus that the page says was played, 0 to 1.

    Args:
        listened: label -> [[from, to], ...] in seconds of the stimulus.
        seconds: label -> length.

    Raises:
        AnswerError: not of that form.
    """
    if not isinstance(listened, Mapping):
        raise AnswerError("listened must be an object; reload the page and answer again")
    shares = {}
    for label, length in seconds.items():
        pieces = listened.get(label, [])
        if not isinstance(pieces, list) or len(pieces) > MAX_PIECES or not all(map(_is_piece, pieces)):
            raise AnswerError("listened must hold pairs of seconds; reload the page and answer again")
        shares[label] = min(1.0, (union_seconds(pieces, length) + JOIN_S) / length) if length > 0 else 1.0
    return shares


def _is_piece(piece: Any) -> bool:
    return (
        isinstance(piece, list)
        and len(piece) == 2
        and all(isinstance(end, int | float) and not isinstance(end, bool) and abs(end) < 1e6 for end in piece)
    )


def check_heard(
    listened: Mapping[str, Any], seconds: Mapping[str, float], needed: float, elapsed: float | None
) -> float:
    """The least share of any stimulus that was heard.

    Args:
        listened: as :func:`coverage`.
        seconds: label -> length.
        needed: share of each that the study asks for.
        elapsed: seconds since the step was delivered, by the server's clock; None for no check.

    Raises:
        AnswerError: not enough, or more than there was time for.
    """
    shares = coverage(listened, seconds)
    if short := [label for label, share in shares.items() if share < needed]:
        raise AnswerError(f"not heard to the end yet: {', '.join(short)}; play it, then answer")
    if elapsed is not None:
        # stimuli are heard one at a time
        time_needed = sum(min(share, needed) * seconds[label] for label, share in shares.items())
        if elapsed < time_needed - CLOCK_S:
            raise AnswerError("answered before the sounds can have been heard; listen, then answer")
    return min(shares.values(), default=1.0)

"""How long a wait feels: the bands that every plot of waiting is shaded with."""

from __future__ import annotations

from reports.figures import Figure
from reports.formatting import THIN_SPACE, number, seconds

BANDS = (
    (0.1, "below 100 ms", "felt as immediate"),
    (0.3, "100 to 300 ms", "the gap between turns of talk"),
    (0.6, "300 to 600 ms", "heard as a pause"),
    (float("inf"), "above 600 ms", "heard as a hesitation"),
)
"""Upper limit in s, what it is called, and how it is perceived.

Below 100 ms an answer seems to come at once (Miller, AFIPS 1968); speakers of ten languages leave some 200 ms between
turns (Stivers et al., PNAS 106, 2009); a gap of more than 600 to 700 ms is taken for trouble (Kendrick and Torreira,
Discourse Processes 52, 2015).
"""


def shade(figure: Figure, end_s: float, *, axis: str = "x", scale: float = 1.0) -> None:
    """Shade the bands along an axis, each darker than the one before.

    Args:
        figure: its ``axis`` counts in ``1 / scale`` seconds and ends at ``end_s``; an axis that ranges by itself would
            take the shading for data.
        end_s: seconds.
        axis: ``x`` or ``y``.
        scale: 1000 for an axis in ms.
    """
    other = "y" if axis == "x" else "x"
    for limit, _, _ in BANDS[:-1]:
        if limit >= end_s:
            break
        span = {f"{axis}0": limit * scale, f"{axis}1": end_s * scale, f"{other}0": 0, f"{other}1": 1}
        # one over the other: the page has one shade, and the further it is the more of them lie there
        figure.shape("band", type="rect", **span, **{f"{other}ref": "paper"}, line={"width": 0}, layer="below")


def band_of(wait_s: float) -> str:
    """The name of the band that a wait lies in."""
    return next(name for limit, name, _ in BANDS if wait_s < limit or limit == float("inf"))


def wait(value_s: float) -> str:
    """A wait as the bands count it: ``538 ms``, ``6.3 ms``, from 1 s on ``7.00 s``."""
    if not value_s < 1:
        return seconds(value_s)
    return f"{number(1000 * value_s, 1 if value_s < 0.01 else 0)}{THIN_SPACE}ms"

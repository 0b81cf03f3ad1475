"""F0 range against the reference's: below 1 the rendering is monotonous, above 1 it exaggerates."""

from __future__ import annotations

from functools import partial

from harness.alignment import IDENTITY as ALIGNMENT
from harness.metrics.base import Metric, Pair, Unscored
from harness.metrics.f0 import FLAT_CENTS, PACKAGES, Tracker, f0_of_each, f0_range, few_voiced, parameters


def f0_range_ratio(pair: Pair, tracker: Tracker = "dio") -> float | Unscored:
    """Range of the rendering over that of the reference, each over its own voiced frames."""
    degraded, reference = f0_of_each(pair, tracker)
    if why := few_voiced("rendering", degraded) or few_voiced("reference", reference):
        return Unscored(why)
    spread = f0_range(reference)
    if spread < FLAT_CENTS:
        return Unscored(f"F0 of the reference ranges over {spread:.2g} cents: there is no range to compare with")
    return f0_range(degraded) / spread


def make(tracker: Tracker = "dio") -> Metric:
    """The metric by one of the trackers: ``dio`` (with StoneMask) or ``harvest``.

    Raises:
        TrackerError: no such tracker.
    """
    return Metric(
        name="f0_range_ratio",
        unit="",
        direction="",
        source="long-term distributional span, Ladd, Intonational Phonology, 2nd ed., 2008; F0 by WORLD",
        function=partial(f0_range_ratio, tracker=tracker),
        parameters=parameters(tracker, "p10-p90-cents", "aligned-where-lengths-allow", ALIGNMENT),
        packages=PACKAGES,
        standard=True,
        any_length=True,
    )


METRIC = make()

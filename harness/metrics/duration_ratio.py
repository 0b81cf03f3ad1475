"""Duration ratio: how long the rendering is for its reference."""

from __future__ import annotations

from harness.metrics.base import Metric, Pair


def duration_ratio(pair: Pair) -> float:
    """Seconds of the rendering over seconds of the reference, pauses at either end included; 1 is as long."""
    return len(pair.whole_degraded) / len(pair.whole_reference)


METRIC = Metric(
    name="duration_ratio",
    unit="",
    direction="",
    source="ratio of durations",
    function=duration_ratio,
    parameters="whole-files",
    minimum_s=0.25,
    any_length=True,
    standard=True,
)

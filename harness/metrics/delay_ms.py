"""How much later the rendering is than its reference: what the other metrics are compensated by."""

from __future__ import annotations

from harness.metrics.base import SAMPLE_RATE, Metric, Pair, Unscored


def delay_ms(pair: Pair) -> float | Unscored:
    """Milliseconds, positive where the rendering lags; within ±1000."""
    if pair.delay.unclear_because:
        return Unscored(pair.delay.unclear_because)
    return 1000 * pair.delay.samples / SAMPLE_RATE


METRIC = Metric(
    name="delay_ms",
    unit="ms",
    direction="",
    source="cross-correlation of band envelopes (harness.alignment)",
    function=delay_ms,
    parameters="signed",
    minimum_s=0.25,
    standard=True,
)

"""Character error rate of what a recogniser hears in the rendering, against the text."""

from __future__ import annotations

from harness.metrics.base import Metric
from harness.metrics.error_rate import error_rate_metric


def make(model: str = "", language: str = "") -> Metric:
    """By a recogniser that the user names; see :func:`~harness.metrics.error_rate.error_rate_metric`."""
    return error_rate_metric("cer", model, language)


METRIC = make()

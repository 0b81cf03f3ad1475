"""Metrics of a rendering against its reference: one file each, and the registry that names them all.

A new one is a file with a function of a :class:`~harness.metrics.base.Pair` and a ``METRIC``, and a line here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from harness.metrics import (
    delay_ms,
    estoi,
    f0_median_cents,
    f0_rmse_cents,
    mel_distance,
    pesq_wb,
    speaker_similarity,
    stoi,
    voicing_error,
)
from harness.metrics.base import Metric, Pair, Unscored
from streamflow.errors import StreamflowError

__all__ = ["REGISTRY", "Metric", "MetricError", "Pair", "Unscored", "get_metric", "score_pair"]

REGISTRY: dict[str, Metric] = {
    module.METRIC.name: module.METRIC
    for module in (
        pesq_wb,
        stoi,
        estoi,
        speaker_similarity,
        f0_rmse_cents,
        f0_median_cents,
        voicing_error,
        mel_distance,
        delay_ms,
    )
}
"""Every metric by its name, in the order in which tables show them."""


class MetricError(StreamflowError):
    """A metric that does not exist."""


def get_metric(name: str) -> Metric:
    """Look a metric up.

    Raises:
        MetricError: unknown; names the nearest, and all.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    near = difflib.get_close_matches(name, REGISTRY, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise MetricError(f"no metric is called {name!r}; {hint}there are {', '.join(REGISTRY)}")


def score_pair(
    degraded: np.ndarray, reference: np.ndarray, metric_names: Sequence[str], sample_rate: int = 16_000
) -> list[dict[str, str | float | None]]:
    """Score a rendering by several metrics; checks, delay and F0 are had once for all of them.

    Args:
        degraded: float32 ``[n]`` at 16 kHz, the rendering.
        reference: float32 ``[m]`` at 16 kHz.
        metric_names: as in :data:`REGISTRY`.
        sample_rate: of both, Hz.

    Returns:
        One row a metric, in the order asked: ``metric``, ``identity``, ``value`` (None where unscored), ``unit``,
        ``unscored_because`` ("" where there is a value).

    Raises:
        MetricError: an unknown name.
    """
    metrics = [get_metric(name) for name in metric_names]
    pair = Pair(degraded, reference, sample_rate)
    rows: list[dict[str, str | float | None]] = []
    for metric in metrics:
        value = metric.score_pair(pair)
        failed = isinstance(value, Unscored)
        rows.append(
            {
                "metric": metric.name,
                "identity": metric.identity,
                "value": None if failed else value,
                "unit": metric.unit,
                "unscored_because": value.reason if failed else "",
            }
        )
    return rows

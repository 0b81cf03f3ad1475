"""Metrics of a rendering: one file each, and the registry that names them all.

A new one is a file with a function of a :class:`~harness.metrics.base.Pair` and a ``METRIC``, and a line here. One that
takes parameters (a model that the user names) has a function ``make(**parameters) -> Metric`` as well, and its ``METRIC``
is ``make()``.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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

__all__ = [
    "MAKERS",
    "REGISTRY",
    "Metric",
    "MetricError",
    "Pair",
    "Unscored",
    "get_metric",
    "score_pair",
    "score_row",
    "standard_metrics",
]

_MODULES = (
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

REGISTRY: dict[str, Metric] = {module.METRIC.name: module.METRIC for module in _MODULES}
"""Every metric by its name, in the order in which tables show them."""

MAKERS: dict[str, Callable[..., Metric]] = {
    module.METRIC.name: module.make for module in _MODULES if hasattr(module, "make")
}
"""Of the metrics that take parameters: what makes one with other parameters than the registry's."""


class MetricError(StreamflowError):
    """A metric that does not exist."""


def get_metric(name: str, parameters: Mapping[str, Any] | None = None) -> Metric:
    """Look a metric up, or make it with parameters.

    Raises:
        MetricError: unknown, and the nearest and all are named; or parameters that it does not take.
    """
    if name not in REGISTRY:
        near = difflib.get_close_matches(name, REGISTRY, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise MetricError(f"no metric is called {name!r}; {hint}there are {', '.join(REGISTRY)}")
    if not parameters:
        return REGISTRY[name]
    if name not in MAKERS:
        raise MetricError(f"metric {name} takes no parameters, but {', '.join(parameters)} is given")
    known = list(inspect.signature(MAKERS[name]).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise MetricError(f"metric {name} has no parameter {parameter!r}; it takes {', '.join(known)}")
    return MAKERS[name](**parameters)


def standard_metrics() -> tuple[str, ...]:
    """The names of what a run measures unless it says otherwise."""
    return tuple(name for name, metric in REGISTRY.items() if metric.standard)


def score_row(metric: Metric, pair: Pair) -> dict[str, str | float | None]:
    """Score a pair by one metric.

    Returns:
        ``metric``, ``identity``, ``value`` (None where unscored), ``unit``, ``unscored_because`` ("" where there is a
        value).
    """
    value = metric.score_pair(pair)
    failed = isinstance(value, Unscored)
    return {
        "metric": metric.name,
        "identity": metric.identity,
        "value": None if failed else value,
        "unit": metric.unit,
        "unscored_because": value.reason if failed else "",
    }


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
        One row a metric, in the order asked, as :func:`score_row`.

    Raises:
        MetricError: an unknown name.
    """
    metrics = [get_metric(name) for name in metric_names]
    pair = Pair(degraded, reference, sample_rate)
    return [score_row(metric, pair) for metric in metrics]

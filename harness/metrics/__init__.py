"""Metrics of a rendering: one file each, and the registry that names them all.

A new one is a file with a function of a :class:`~harness.metrics.base.Pair` and a ``METRIC``, and a line here. One that
takes parameters (a model that the user names) has a function ``make(**parameters) -> Metric`` as well, and its ``METRIC``
is ``make()``. A file whose one model answers several questions has ``METRICS``.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.metrics import (
    cer,
    delay_ms,
    dnsmos,
    duration_ratio,
    energy_correlation,
    estoi,
    f0_correlation,
    f0_declination,
    f0_frame_error,
    f0_median_cents,
    f0_range_ratio,
    f0_rmse_cents,
    gross_pitch_error,
    log_spectral_distance,
    mcd,
    mcd_dtw,
    mel_distance,
    pesq_nb,
    pesq_wb,
    plcmos,
    si_sdr,
    speaker_similarity,
    speaker_similarity_ceiling,
    stoi,
    utmos,
    visqol,
    voicing_error,
    wer,
)
from harness.metrics.base import Metric, MetricError, Pair, Unscored

__all__ = [
    "MAKERS",
    "REFUSED",
    "REGISTRY",
    "Metric",
    "MetricError",
    "Pair",
    "Unscored",
    "get_metric",
    "row_of",
    "score_pair",
    "standard_metrics",
]

_MODULES = (
    pesq_wb,
    pesq_nb,
    stoi,
    estoi,
    visqol,
    speaker_similarity,
    speaker_similarity_ceiling,
    wer,
    cer,
    mcd,
    mcd_dtw,
    f0_rmse_cents,
    f0_median_cents,
    gross_pitch_error,
    voicing_error,
    f0_frame_error,
    f0_correlation,
    f0_range_ratio,
    f0_declination,
    mel_distance,
    log_spectral_distance,
    energy_correlation,
    duration_ratio,
    delay_ms,
    dnsmos,
    plcmos,
    utmos,
)

REGISTRY: dict[str, Metric] = {
    metric.name: metric
    for module in _MODULES
    for metric in (module.METRICS if hasattr(module, "METRICS") else (module.METRIC,))
}
"""Every metric by its name, in the order in which tables show them."""

MAKERS: dict[str, Callable[..., Metric]] = {
    module.METRIC.name: module.make for module in _MODULES if hasattr(module, "make")
}
"""Of the metrics that take parameters: what makes one with other parameters than the registry's."""

REFUSED: dict[str, str] = {"si_sdr": si_sdr.REFUSED}
"""Measures that people ask for and that say nothing about generated speech, and why."""


def get_metric(name: str, parameters: Mapping[str, Any] | None = None) -> Metric:
    """Look a metric up, or make it with parameters.

    Args:
        name: as in :data:`REGISTRY`, or ``package.module:attribute`` of a :class:`Metric` of one's own.
        parameters: of the metrics that take some.

    Raises:
        MetricError: unknown, and the nearest and all are named; refused, and why; or parameters that it does not take.
    """
    if why := REFUSED.get(name.lower().replace("-", "_")):
        raise MetricError(f"metric {name} is refused: {why}")
    if ":" in name:
        return _users(name)
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


def _users(name: str) -> Metric:
    """A metric of the user's own, ``package.module:attribute``; the working directory counts as a place to import from."""
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise MetricError(
            f"metric {name!r}: {error}; give package.module:attribute of a harness.metrics.Metric"
        ) from None
    if not isinstance(found, Metric):
        raise MetricError(f"metric {name!r} is a {type(found).__name__}; it must be a harness.metrics.Metric")
    source = hashlib.sha256(
        Path(inspect.getfile(sys.modules[module])).read_bytes()
    ).hexdigest()  # edited, it is another
    return replace(found, name=name, parameters=f"{found.parameters};source-{source[:12]}".lstrip(";"))


def standard_metrics() -> tuple[str, ...]:
    """The names of what a run measures unless it says otherwise."""
    return tuple(name for name, metric in REGISTRY.items() if metric.standard)


def row_of(metric: Metric, value: float | Unscored) -> dict[str, str | float | None]:
    """A score as tables hold it.

    Returns:
        ``metric``, ``identity``, ``value`` (None where unscored), ``unit``, ``unscored_because`` ("" where there is a
        value).
    """
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
        One row a metric, in the order asked, as :func:`row_of`.

    Raises:
        MetricError: an unknown name.
    """
    metrics = [get_metric(name) for name in metric_names]
    pair = Pair(degraded, reference, sample_rate)
    return [row_of(metric, metric.score_pair(pair)) for metric in metrics]

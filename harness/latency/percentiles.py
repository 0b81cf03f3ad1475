"""Percentiles that are only given where there are enough samples to know them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas

NOT_ESTIMABLE = "not estimable"  # what a table says where a percentile is None
CONFIDENCE = 0.99  # of MLPerf Inference's rule of early stopping
PERCENTILES = (50, 90, 95, 99)


@cache
def fewest_for(percent: float) -> int:
    """The fewest samples for a percentile: 64 for the 90th, 130 for the 95th, 662 for the 99th.

    MLPerf Inference's rule of early stopping: so many that, were the true tail heavier than claimed, seeing at most one
    sample in it would have a probability of at most 1 %: the least n with P(Binomial(n, 1 - p) <= 1) <= 0.01. The
    median needs one.

    Raises:
        ValueError: a percent outside [50, 100).
    """
    if not 50 <= percent < 100:
        raise ValueError(f"percentile {percent} must lie in [50, 100)")
    if percent == 50:
        return 1
    below, tail, n = percent / 100, 1 - percent / 100, 2
    while below**n + n * tail * below ** (n - 1) > 1 - CONFIDENCE:
        n += 1
    return n


def percentile(values: Sequence[float] | np.ndarray, percent: float) -> float | None:
    """A percentile (linear between order statistics), or None below :func:`fewest_for` samples; NaN is left out.

    Args:
        values: ``[n]``, any unit.
        percent: in [50, 100).
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    return float(np.percentile(x, percent)) if len(x) >= fewest_for(percent) else None


def chunk_percentiles(chunks: pandas.DataFrame, by: Sequence[str] = ("system",)) -> pandas.DataFrame:
    """Percentiles of chunk latency, pooled over what ``by`` does not name.

    The first chunk of a session is left out: it carries the opening and has a column of its own.

    Args:
        chunks: table of chunks of the bench, or traces of a run.
        by: columns that make a row, such as system, length_s, streams.

    Returns:
        The columns of ``by``, ``chunks`` and ``p50_s``, ``p90_s``, ``p95_s``, ``p99_s``; NaN is "not estimable".
    """
    rows = []
    for names, part in chunks[chunks["index"] > 0].groupby(list(by), sort=False):
        values = part["compute_s"].to_numpy()
        row = dict(zip(by, names, strict=True)) | {"chunks": len(values)}
        rows.append(row | {f"p{percent}_s": percentile(values, percent) for percent in PERCENTILES})
    columns = [*by, "chunks", *(f"p{percent}_s" for percent in PERCENTILES)]
    table = pandas.DataFrame(rows, columns=columns)
    return table.astype({column: np.float64 for column in columns if column.endswith("_s") and column not in by})

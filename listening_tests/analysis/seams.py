"""Seam locating: how many joins are heard, and how many presses have no join, a system."""

from __future__ import annotations

import math

import numpy as np
import pandas

from .crossed_bootstrap import percentile_interval, resample_weights
from .estimate import BOTH


def seam_hits(frame: pandas.DataFrame, *, claim: str = BOTH, replicates: int = 2000, seed: int = 0) -> pandas.DataFrame:
    """A row a system, with 95 % intervals of the two-way bootstrap.

    Pressing at random hits windows too, so hits alone say little: compare ``false_per_trial`` with a system that has no seams.

    Args:
        frame: main ratings (truth "seam": value 1 hit, 0 missed; truth "none": value 1 a false press, 0 none in that trial).

    Returns:
        Columns system, trials, seams, hits, hit_rate, hit_low, hit_high, false_presses, false_per_trial, false_low, false_high.
    """
    rows = []
    for system, of in frame.groupby("system", sort=False):
        weights = resample_weights(of["listener"], of["sentence"], replicates, seed=seed, claim=claim)
        value, seam = of["value"].to_numpy(float), of["truth"].to_numpy() == "seam"
        first = ~of.duplicated(["listener", "position"]).to_numpy()
        rate, rate_low, rate_high = _ratio(weights, value * seam, seam)
        false, false_low, false_high = _ratio(weights, value * ~seam, first)
        rows.append({
            "system": system, "trials": int(first.sum()), "seams": int(seam.sum()), "hits": int((value * seam).sum()),
            "hit_rate": rate, "hit_low": rate_low, "hit_high": rate_high, "false_presses": int((value * ~seam).sum()),
            "false_per_trial": false, "false_low": false_low, "false_high": false_high,
        })  # fmt: skip
    return pandas.DataFrame(rows)


def _ratio(weights: np.ndarray, above: np.ndarray, below: np.ndarray) -> tuple[float, float, float]:
    if not below.any():
        return math.nan, math.nan, math.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (weights @ above.astype(float)) / (weights @ below.astype(float))
    return (float(above.sum() / below.sum()), *percentile_interval(drawn))

"""How far listeners agree: intraclass correlations, and each listener against the mean of the others."""

from __future__ import annotations

import math

import numpy as np
import pandas
from scipy import stats

FEWEST = 4  # stimuli shared with others, for a correlation worth printing


def icc_one_way(values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """ICC(1,1) and ICC(1,k) of Shrout and Fleiss (1979): different raters a target, of any number.

    Args:
        values: float64 ``[n]``. targets: ``[n]``, what each rates.

    Returns:
        Of one rating, and of the mean of the usual number of ratings a target; NaN where nothing is rated twice.
    """
    table = (
        pandas.DataFrame({"value": values, "target": targets}).groupby("target")["value"].agg(["mean", "size", "var"])
    )
    n, groups = int(table["size"].sum()), len(table)
    if groups < 2 or n <= groups:
        return math.nan, math.nan
    usual = (n - (table["size"] ** 2).sum() / n) / (groups - 1)
    between = (table["size"] * (table["mean"] - np.mean(values)) ** 2).sum() / (groups - 1)
    within = (table["var"].fillna(0) * (table["size"] - 1)).sum() / (n - groups)
    total = between + (usual - 1) * within
    single = (between - within) / total if total > 0 else math.nan
    return float(single), float((between - within) / between) if between > 0 else math.nan


def icc_two_way(matrix: np.ndarray) -> tuple[float, float]:
    """ICC(2,1) and ICC(2,k), absolute agreement: ``matrix`` float64 ``[targets, raters]`` without holes."""
    n, k = matrix.shape
    grand = matrix.mean()
    rows = k * ((matrix.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((matrix.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = matrix - matrix.mean(axis=1, keepdims=True) - matrix.mean(axis=0, keepdims=True) + grand
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    single = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    return float(single), float((rows - error) / (rows + (columns - error) / n))


def agreement(frame: pandas.DataFrame) -> dict[str, float | int | str]:
    """ICCs of main ratings (``system`` may be a pair): two-way where every listener rated everything, else one-way."""
    wide = frame.pivot_table(index=["sentence", "system"], columns="listener", values="value", aggfunc="mean")
    crossed = wide.shape[0] > 1 and wide.shape[1] > 1 and not wide.isna().to_numpy().any()
    cells = frame.groupby(["listener", "sentence", "system"], as_index=False)["value"].mean()
    if crossed:
        single, mean = icc_two_way(wide.to_numpy())
        kind = "two-way, ICC(2)"
    else:
        single, mean = icc_one_way(
            cells["value"].to_numpy(float), cells.groupby(["sentence", "system"]).ngroup().to_numpy()
        )
        kind = "one-way, ICC(1)"
    per = len(cells) / max(len(wide), 1)
    return {"model": kind, "single": single, "mean": mean, "ratings_a_stimulus": per, "stimuli": len(wide)}


def listener_table(frame: pandas.DataFrame, neutral: float | None = None) -> pandas.DataFrame:
    """A row a listener: how they rate, and how that goes with the rest.

    Args:
        frame: columns listener, sentence, system, value.
        neutral: of comparisons, the value that says neither; correlations are then about it and not about the means, so that
            they tell who goes the other way in a study of one pair.

    Returns:
        Columns listener, ratings, mean, sd, same_answer_share, correlation (with the mean of the others' ratings of the same
        stimuli, NaN below four stimuli), against_p (one-sided, of a correlation so negative by chance), shared (stimuli it
        rests on), bias (mean distance from the others).
    """
    cells = frame.groupby(["listener", "sentence", "system"], as_index=False, sort=False)["value"].mean()
    groups = cells.groupby(["sentence", "system"])["value"]
    total, count = groups.transform("sum"), groups.transform("size")
    others = ((total - cells["value"]) / (count - 1)).where(count > 1)
    rows = []
    for listener, own in cells.assign(others=others).groupby("listener", sort=False):
        both = own.dropna(subset=["others"])
        values = frame.loc[frame["listener"] == listener, "value"]
        correlation, against_p = _correlation(both["value"], both["others"], neutral)
        rows.append({
            "listener": str(listener), "ratings": len(values), "mean": float(values.mean()), "sd": float(values.std()),
            "same_answer_share": float(values.value_counts(normalize=True).iloc[0]),
            "correlation": correlation, "against_p": against_p, "shared": len(both),
            "bias": float((both["value"] - both["others"]).mean()) if len(both) else math.nan,
        })  # fmt: skip
    return pandas.DataFrame(rows)


def _correlation(a: pandas.Series, b: pandas.Series, neutral: float | None) -> tuple[float, float]:
    """Pearson's (about ``neutral`` where given), and the one-sided p value by t of one so negative."""
    x, y = a.to_numpy(float), b.to_numpy(float)
    if len(x) < FEWEST:
        return math.nan, math.nan
    x, y = (of - (of.mean() if neutral is None else neutral) for of in (x, y))
    size = math.sqrt(float(x @ x) * float(y @ y))
    if size < 1e-12:
        return math.nan, math.nan
    r, freedom = float(np.clip(x @ y / size, -1, 1)), len(x) - (2 if neutral is None else 1)
    t = r * math.sqrt(freedom / max(1 - r * r, 1e-12))
    return r, float(stats.t.cdf(t, freedom))

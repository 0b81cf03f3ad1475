"""How objective metrics go with the ratings, over systems and over single recordings."""

from __future__ import annotations

import numpy as np
import pandas
from scipy import stats

from .crossed_bootstrap import percentile_interval, resample_weights
from .estimate import BOTH

FEWEST_SYSTEMS, FEWEST_CELLS = (
    5,
    5,
)  # of three systems without a difference, every third metric ranks all rightly or wrongly


def join_scores(frame: pandas.DataFrame, scores: pandas.DataFrame) -> pandas.DataFrame:
    """Main ratings (system, sentence) with the run's scores (system, utterance): a column for each metric's identity.

    Scores of several seeds are averaged; a rating without any score falls away.
    """
    scored = scores[pandas.to_numeric(scores["value"], errors="coerce").notna()]
    wide = scored.pivot_table(index=["system", "utterance"], columns="identity", values="value", aggfunc="mean")
    wide.columns = [str(name) for name in wide.columns]
    keyed = wide.reset_index().rename(columns={"utterance": "sentence"})
    return frame.merge(keyed, on=["system", "sentence"], how="inner")


def correlations(
    frame: pandas.DataFrame, scores: pandas.DataFrame, *, claim: str = BOTH, replicates: int = 300, seed: int = 0
) -> pandas.DataFrame:
    """A row a metric and level, best first.

    Args:
        frame: main ratings of systems (not of pairs). scores: ``Run.scores()``.

    Returns:
        Columns metric, identity, level ("system" or "utterance"), n, pearson, pearson_low, pearson_high, spearman,
        spearman_low, spearman_high, kendall. Intervals: two-way bootstrap of listeners and
        sentences; the systems are as they are. No rows below FEWEST_SYSTEMS systems or FEWEST_CELLS recordings.
    """
    joined = join_scores(frame, scores)
    if joined.empty:
        return pandas.DataFrame()
    names = scores.drop_duplicates("identity").set_index("identity")["metric"].to_dict()
    weights = resample_weights(joined["listener"], joined["sentence"], replicates, seed=seed, claim=claim)
    rows = []
    for identity in (name for name in names if name in joined):
        for level in ("system", "utterance"):
            row = _correlate(joined, weights, identity, level)
            if row:
                rows.append({"metric": names[identity], "identity": identity, "level": level, **row})
    table = pandas.DataFrame(rows)
    return (
        table.sort_values(["level", "spearman"], key=_size, ascending=[True, False], ignore_index=True)
        if rows
        else table
    )


def points(frame: pandas.DataFrame, scores: pandas.DataFrame) -> pandas.DataFrame:
    """Columns system, sentence, identity, score, rating (the mean): what the figures show."""
    joined = join_scores(frame, scores)
    known = [name for name in joined.columns if name in set(scores["identity"])]
    cells = joined.groupby(["system", "sentence"], as_index=False, sort=False)[["value", *known]].mean()
    long = cells.melt(["system", "sentence", "value"], known, var_name="identity", value_name="score")
    return long.rename(columns={"value": "rating"}).dropna(subset=["score"])


def _size(column: pandas.Series) -> pandas.Series:
    return column.abs() if column.name == "spearman" else column


def _correlate(joined: pandas.DataFrame, weights: np.ndarray, identity: str, level: str) -> dict[str, float] | None:
    rows = joined[identity].notna().to_numpy()
    keys = ["system"] if level == "system" else ["system", "sentence"]
    group = joined[rows].groupby(keys, sort=False).ngroup().to_numpy()
    if not len(group) or group.max() + 1 < (FEWEST_SYSTEMS if level == "system" else FEWEST_CELLS):
        return None
    value, score = (joined.loc[rows, name].to_numpy(float) for name in ("value", identity))
    x, y, _ = _means(np.ones(len(group)), group, score, value)
    drawn = []
    for line in weights[:, rows]:
        a, b, weight = _means(line, group, score, value)
        times = np.ones(len(a), int) if level == "system" else np.maximum(np.rint(weight), 1).astype(int)
        drawn.append(_both(np.repeat(a, times), np.repeat(b, times)))
    pearson, spearman = _both(x, y)
    bounds = [percentile_interval(column) for column in np.array(drawn).reshape(-1, 2).T]
    return {
        "n": len(x), "pearson": pearson, "pearson_low": bounds[0][0], "pearson_high": bounds[0][1],
        "spearman": spearman, "spearman_low": bounds[1][0], "spearman_high": bounds[1][1],
        "kendall": float(stats.kendalltau(x, y).statistic) if np.ptp(x) > 0 and np.ptp(y) > 0 else np.nan,
    }  # fmt: skip


def _means(
    weight: np.ndarray, group: np.ndarray, score: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean score, mean rating and mean weight of the groups that were drawn."""
    size = group.max() + 1
    total = np.bincount(group, weight, size)
    drawn = total > 0
    means = [np.bincount(group, weight * of, size)[drawn] / total[drawn] for of in (score, value)]
    return means[0], means[1], (total / np.bincount(group, minlength=size))[drawn]


def _both(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan
    ranks = stats.rankdata(x), stats.rankdata(y)
    return float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(*ranks)[0, 1])

"""Scores of a run as means and as pairs: seeds averaged within the utterance first, identities never mixed."""

from __future__ import annotations

import numpy as np
import pandas

from .interval import mean_interval
from .location import Interval
from .samples import StatisticsError, speaker_clusters


def paired_scores(scores: pandas.DataFrame, metric: str, candidate: str, baseline: str) -> pandas.DataFrame:
    """The scores of two systems side by side, of the same utterance, seed and metric identity only.

    Args:
        scores: as ``scores.parquet``.
        metric: name.
        candidate, baseline: systems.

    Returns:
        Columns ``utterance``, ``seed``, ``speaker``, ``identity``, ``candidate``, ``baseline``; rows that both have.
    """
    rows = scores[(scores["metric"] == metric) & scores["value"].notna()]
    on = ["utterance", "seed", "speaker", "identity"]
    sides = [
        rows[rows["system"] == system][[*on, "value"]].rename(columns={"value": side})
        for system, side in ((candidate, "candidate"), (baseline, "baseline"))
    ]
    return sides[0].merge(sides[1], on=on)


def paired_utterances(scores: pandas.DataFrame, candidate: str, baseline: str) -> pandas.DataFrame:
    """Two systems side by side, a row an utterance and metric identity: what every comparison is made from.

    Where the two share seeds, only those that both have of an utterance count, so that a seed that could not be scored
    in one arm is missing in both; where they share none (runs of different seeds), each averages its own.

    Args:
        scores: as ``scores.parquet``.
        candidate, baseline: systems.

    Returns:
        Columns ``metric``, ``identity``, ``utterance``, ``speaker``, ``candidate``, ``baseline``, ``difference``
        (candidate minus baseline), ``seeds`` (averaged; the smaller number where they differ).

    Raises:
        StatisticsError: two scores of one system, utterance, seed and identity.
    """
    names = ["metric", "identity", "utterance"]
    sides = [_of_system(scores, system, names) for system in (candidate, baseline)]
    if set(sides[0]["seed"]) & set(sides[1]["seed"]):
        both = sides[0].merge(sides[1][[*names, "seed", "value"]], on=[*names, "seed"], suffixes=("", "_baseline"))
        both = both.assign(seeds=1)
    else:
        means = [side.groupby(names, sort=False, as_index=False).agg(**_MEAN) for side in sides]
        both = means[0].merge(means[1].drop(columns="speaker"), on=names, suffixes=("", "_baseline"))
        both["seeds"] = both[["seeds", "seeds_baseline"]].min(axis=1) if len(both) else 0
    table = both.groupby(names, sort=False, as_index=False).agg(
        speaker=("speaker", "first"),
        candidate=("value", "mean"),
        baseline=("value_baseline", "mean"),
        seeds=("seeds", "sum"),
    )
    table["difference"] = table["candidate"] - table["baseline"]
    return table[[*names, "speaker", "candidate", "baseline", "difference", "seeds"]]


_MEAN = {"speaker": ("speaker", "first"), "value": ("value", "mean"), "seeds": ("value", "size")}


def _of_system(scores: pandas.DataFrame, system: str, names: list[str]) -> pandas.DataFrame:
    rows = scores[(scores["system"] == system) & scores["value"].notna()]
    rows = rows[[*names, "speaker", "seed", "value"]]
    again = rows.duplicated([*names, "seed"])
    if again.any():
        first = rows[again].iloc[0]
        raise StatisticsError(
            f"{system} has two scores of {first['utterance']} by {first['identity']}, seed {first['seed']}; "
            "give each system a name of its own"
        )
    return rows


def utterance_means(scores: pandas.DataFrame) -> pandas.DataFrame:
    """The mean over seeds of every system, utterance and metric identity.

    Returns:
        Columns ``system``, ``metric``, ``identity``, ``unit``, ``utterance``, ``speaker``, ``value`` (NaN where no seed
        was scored), ``seeds`` (scored).
    """
    names = ["system", "metric", "identity", "unit", "utterance"]
    grouped = scores.groupby(names, sort=False, as_index=False)
    return grouped.agg(speaker=("speaker", "first"), value=("value", "mean"), seeds=("value", "count"))


def summary(scores: pandas.DataFrame, level: float = 0.95) -> pandas.DataFrame:
    """Mean and interval, clustered by speaker, of every system and metric identity; seeds averaged first.

    Args:
        scores: as ``scores.parquet``.
        level: coverage.

    Returns:
        Columns ``system``, ``metric``, ``identity``, ``unit``, ``n`` (utterances scored), ``unscored`` (utterances that
        no seed was scored of), ``mean``, ``low``, ``high``; the last three NaN where they cannot be had.
    """
    rows = []
    names = ["system", "metric", "identity", "unit"]
    for group, part in utterance_means(scores).groupby(names, sort=False):
        scored = part[part["value"].notna()]
        clusters = speaker_clusters(scored["speaker"])
        interval = mean_interval(scored["value"], clusters, level) if len(scored) else Interval(np.nan, None, None)
        counts = {"n": len(scored), "unscored": len(part) - len(scored)}
        rows.append(dict(zip(names, group, strict=True)) | counts | interval._asdict())
    table = pandas.DataFrame(rows, columns=[*names, "n", "unscored", "mean", "low", "high"])
    return table.astype(dict.fromkeys(("mean", "low", "high"), np.float64))

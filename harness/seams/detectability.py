"""Whether seams can be told from other positions of the same file by everything that the measures see together.

A linear discriminant over all measures is fitted to the seams and their matches of some utterances and asked about those
of others. The area under its ROC curve is the chance that it ranks a seam above matched values from the same utterance,
which are matched measure by measure and so need not be of one position: 0.5, the seam is inaudible to the machine; 1, it
is never missed. Unlike z it does not grow with the number of seams, so that systems with chunks of different lengths can
be compared. Asked the same of the reference at the same positions, it must say 0.5.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.seams.measures import MEASURES

FOLDS = 5
FEWEST_UTTERANCES, FEWEST_SEAMS = 5, 40  # below them a classifier would be fitted to chance
SHRINKAGE = 0.01  # of the covariance towards its diagonal: measures are few, but some utterances are too
MOST_GROUPS = 40  # of speakers that the jackknife leaves out; of more, several together
OWN, CONTROL = ("seam", "interior"), ("reference", "reference_interior")
DETECTABILITY_COLUMNS = [
    "auc", "low", "high", "control", "control_low", "control_high", "utterances", "seams", "strongest", "because",
]  # fmt: skip


def seam_detectability(
    table: pd.DataFrame, *, speakers: Mapping[str, str] | None = None, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Area under the ROC curve of seams against matched values, cross-validated over utterances.

    Args:
        table: of :func:`~harness.seams.seam_table`, of several utterances, with a column ``utterance`` and, of several
            systems, ``system``; ``seed`` if there are several.
        speakers: of each utterance: folds keep a speaker together while there are at least as many speakers as folds,
            and intervals are clustered by speaker.
        level: coverage of the intervals, by leaving out one speaker at a time and fitting again.
        seed: deals utterances to folds.

    Returns:
        Index ``system`` (``""`` where the table has no such column); ``auc``, ``low``, ``high``; ``control``,
        ``control_low``, ``control_high``, the same of the reference against its own positions; ``utterances`` and
        ``seams`` that it rests on; ``strongest``, the measure that speaks loudest in the discriminant; ``because``,
        why there is no figure, else ``""``.
    """
    rows = {}
    systems = table.groupby("system", sort=False) if "system" in table.columns else [("", table)]
    for system, part in systems:
        auc, low, high, counts, strongest, because = _area(part, OWN, speakers, level, seed)
        control, control_low, control_high, *_ = _area(part, CONTROL, speakers, level, seed)
        rows[system] = [auc, low, high, control, control_low, control_high, *counts, strongest, because]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=DETECTABILITY_COLUMNS)
    found.index.name = "system"
    return found


def _area(
    table: pd.DataFrame, roles: tuple[str, str], speakers: Mapping[str, str] | None, level: float, seed: int
) -> tuple[float, float, float, tuple[int, int], str, str]:
    names, features, is_seam, utterances = _features(table, roles)
    counts = (len(set(utterances)), int(is_seam.sum()))
    nothing = (np.nan, np.nan, np.nan, counts, "")
    if counts[0] < FEWEST_UTTERANCES or counts[1] < FEWEST_SEAMS:
        return *nothing, (
            f"{counts[1]} seams in {counts[0]} utterances; {FEWEST_SEAMS} in {FEWEST_UTTERANCES} are needed"
        )
    if is_seam.all():  # measured before there was such a role
        return *nothing, "no positions beside the seams; score the run again"
    speaker = np.array([(speakers or {}).get(name, name) for name in utterances])
    fold = _folds(speaker if len(set(speaker)) >= FOLDS else utterances, seed)
    mean = cross_validated(features, is_seam, utterances, fold)
    low, high = _jackknife(features, is_seam, utterances, fold, speaker, mean, level)
    weights, _ = discriminant(features, is_seam)
    return mean, low, high, counts, names[int(np.argmax(np.abs(weights)))], ""


def cross_validated(features: np.ndarray, is_seam: np.ndarray, utterances: np.ndarray, fold: np.ndarray) -> float:
    """Mean over utterances of the area within each, by a discriminant fitted to the other folds."""
    scores = np.empty(len(features))
    for held in np.unique(fold):
        test = fold == held
        weights, scale = discriminant(features[~test], is_seam[~test])
        scores[test] = standardised(features[test], scale) @ weights
    areas = [area(scores[rows], is_seam[rows]) for rows in _rows_of(utterances)]
    return float(np.nanmean(areas))


def _rows_of(utterances: np.ndarray) -> list[np.ndarray]:
    _, owner = np.unique(utterances.astype(str), return_inverse=True)
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)


def _jackknife(
    features: np.ndarray,
    is_seam: np.ndarray,
    utterances: np.ndarray,
    fold: np.ndarray,
    speaker: np.ndarray,
    mean: float,
    level: float,
) -> tuple[float, float]:
    """Interval inside [0, 1] from leaving out one speaker at a time, of fitting as well as of asking.

    The areas of utterances are not independent: each is fitted to the others. An interval of their spread alone missed
    0.5 in 10 of 60 simulations without seams.
    """
    from scipy.stats import t

    groups = speaker if len(set(speaker)) > 1 else utterances
    _, group = np.unique(groups.astype(str), return_inverse=True)
    group = group % MOST_GROUPS
    count = int(group.max()) + 1
    without = []
    for left in range(count):
        kept = group != left
        if len(np.unique(fold[kept])) < 2:
            return np.nan, np.nan
        without.append(cross_validated(features[kept], is_seam[kept], utterances[kept], fold[kept]))
    spread = np.asarray(without) - np.mean(without)
    half = t.ppf(0.5 + level / 2, count - 1) * np.sqrt((count - 1) / count * (spread**2).sum())
    if not half > 0:
        return np.nan, np.nan
    return max(0.0, mean - half), min(1.0, mean + half)


def _features(table: pd.DataFrame, roles: tuple[str, str]) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Measures side by side: ``[k, measures]``, NaN where one does not exist, seeds below one another.

    A seam and its match are a row each. A match is of a measure, so that the n-th seam's matches make one row.
    """
    clip = [name for name in ("utterance", "seed") if name in table.columns]
    rows = table[table["role"].isin(roles)].copy()
    names = [name for name in MEASURES if name in set(rows["measure"])]
    if rows.empty or not clip:
        return names, np.empty((0, len(names))), np.empty(0, bool), np.empty(0, object)
    keys = [*clip, "measure"]
    rows["nth"] = rows.groupby([*keys, "role"], sort=False).cumcount()
    # a match's own seam: the one of the same number in the same clip and measure
    own = rows.loc[rows["role"] == roles[0], [*keys, "nth", "sample"]].rename(columns={"sample": "seam"})
    rows = rows.merge(own, on=[*keys, "nth"])
    wide = rows.pivot_table(
        index=[*clip, "seam", "role"], columns="measure", values="value", aggfunc="first", sort=False
    )
    wide = wide.reindex(columns=names)
    values = wide.to_numpy(np.float64, copy=True)
    for column, name in enumerate(names):
        if MEASURES[name].skewed:
            values[:, column] = np.log1p(np.maximum(values[:, column], 0))
    # only what differs within an utterance is asked about: its own level would be noise to the discriminant
    values -= (
        wide.assign(**dict(zip(names, values.T, strict=True))).groupby(level="utterance").transform("mean").to_numpy()
    )
    is_seam = wide.index.get_level_values("role") == roles[0]
    return names, values, np.asarray(is_seam), wide.index.get_level_values("utterance").astype(str).to_numpy(object)


def _folds(groups: np.ndarray, seed: int) -> np.ndarray:
    """A fold for each row, groups kept together and dealt so that folds are about the same size."""
    names, sizes = np.unique(groups.astype(str), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, fold_of = np.zeros(FOLDS), {}
    for index in order:
        fold = int(np.argmin(load))
        fold_of[names[index]] = fold
        load[fold] += sizes[index]
    return np.array([fold_of[str(name)] for name in groups])


def discriminant(features: np.ndarray, is_seam: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Fisher's linear discriminant on standardised features, its covariance shrunk towards the diagonal.

    Args:
        features: float64 ``[k, m]``; NaN is taken for the mean, which speaks for neither side.
        is_seam: bool ``[k]``.

    Returns:
        Weights ``[m]``, and mean and deviation for :func:`standardised`.
    """
    exists = np.isfinite(features)
    count = np.maximum(exists.sum(axis=0), 1)
    mean = np.where(exists, features, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(exists, (features - mean) ** 2, 0).sum(axis=0) / count)
    scale = (mean, np.where(deviation > 0, deviation, 1.0))
    x = standardised(features, scale)
    above, below = x[is_seam], x[~is_seam]
    difference = above.mean(axis=0) - below.mean(axis=0)
    within = np.vstack([above - above.mean(axis=0), below - below.mean(axis=0)])
    covariance = within.T @ within / len(within)
    diagonal = np.diag(np.diag(covariance) + 1e-9)
    return np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * diagonal, difference), scale


def standardised(features: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Features in deviations from the mean of those that were fitted; what does not exist is 0."""
    mean, deviation = scale
    return np.where(np.isfinite(features), (features - mean) / deviation, 0.0)


def area(scores: np.ndarray, is_seam: np.ndarray) -> float:
    """Area under the ROC curve, ties one half (Mann-Whitney); NaN unless both sides have scores."""
    from scipy.stats import rankdata

    above, below = int(is_seam.sum()), int((~is_seam).sum())
    if not above or not below:
        return np.nan
    ranks = rankdata(scores)
    return float((ranks[is_seam].sum() - above * (above + 1) / 2) / (above * below))

"""Seams against everything that they are compared with, over one clip or over many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

SUMMARY_COLUMNS = [
    "measure", "unit", "seam", "interior", "reference", "z", "z_reference", "n",
    "effect", "effect_low", "effect_high", "p", "utterances",
    "effect_reference", "effect_reference_low", "effect_reference_high", "p_reference",
]  # fmt: skip
RESAMPLES = 4_000
BLOCK = 2_000_000  # signs drawn at a time


def seam_summary(
    table: pd.DataFrame,
    *,
    speakers: Mapping[str, str] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Seams against shifted grids, against their matches, and the same of the reference.

    Args:
        table: of :func:`~harness.seams.seam_table`; of several clips together, with columns such as ``system``,
            ``utterance`` and ``seed``. Seeds are averaged within the utterance first.
        speakers: of each utterance, to cluster the interval by; None for clusters of one utterance.
        level: coverage of the intervals.
        resamples: draws of the permutation test; 0 leaves p out.
        seed: of these draws.

    Returns:
        Index ``measure``; ``unit``; means ``seam``, ``interior``, ``reference`` over all positions; ``z``, how the
        seams rank among the positions around them: the sum of their normal scores in its standard deviation over all
        shifted grids (within ±2 in some 95 of 100 cases where seams are like any other place, and growing with the
        square root of their number where not); ``z_reference``, the same for the
        reference at the same positions; ``n`` seams; ``effect``, the mean over utterances of seam minus matched
        interior position, with ``effect_low`` and ``effect_high``; ``p``, one-sided (seams break more), of exchanging
        seam and match in each pair; the same of the reference, ``effect_reference`` ... ``p_reference``: the negative
        control. NaN where there is nothing to tell from.
    """
    rng = np.random.default_rng(seed)
    means = table.groupby(["measure", "role"], sort=False)["value"].mean()
    seams = table[table["role"] == "seam"].groupby("measure").size()
    z = z_of(table)
    z_reference = z_of(table, "reference_")
    ours = _by_measure(paired(table, "seam", "interior"))
    theirs = _by_measure(paired(table, "reference", "reference_interior"))
    summary = []
    for measure, unit in table.drop_duplicates("measure")[["measure", "unit"]].itertuples(index=False):
        row = {"measure": measure, "unit": unit, "z": z.get(measure, np.nan), "n": int(seams.get(measure, 0))}
        row |= {role: means.get((measure, role), np.nan) for role in ("seam", "interior", "reference")}
        row["z_reference"] = z_reference.get(measure, np.nan)
        for suffix, pairs in (("", ours.get(measure)), ("_reference", theirs.get(measure))):
            effect, low, high = _effect(pairs, speakers, level)
            row |= {f"effect{suffix}": effect, f"effect{suffix}_low": low, f"effect{suffix}_high": high}
            row[f"p{suffix}"] = exchange_p(pairs, resamples, rng) if pairs and resamples else np.nan
        row["utterances"] = len(ours[measure].utterances) if measure in ours else 0
        summary.append(row)
    return pd.DataFrame(summary, columns=SUMMARY_COLUMNS).set_index("measure")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seam minus match, seeds averaged: ``differences`` float64 ``[k]``, ``owner`` int ``[k]`` into ``utterances``."""

    differences: np.ndarray
    owner: np.ndarray
    utterances: list[str]

    def by_utterance(self) -> np.ndarray:
        """Mean difference of each utterance, float64 ``[u]``."""
        return np.bincount(self.owner, weights=self.differences) / np.bincount(self.owner)


def paired(table: pd.DataFrame, role: str, match: str) -> pd.DataFrame:
    """Each seam with its match, seeds averaged.

    Returns:
        Columns ``measure``, ``utterance``, ``sample``, ``value``, ``other``. A clip whose seams and matches differ in
        number (a table of an older version) is left out.
    """
    names = [name for name in ("system", "utterance", "seed") if name in table.columns]
    part = table[table["role"].isin((role, match))]
    if part.empty:
        return pd.DataFrame(columns=["measure", "utterance", "sample", "value", "other"])
    group = part.groupby([*names, "measure", "role"], sort=False)["value"]
    part = part.assign(nth=group.cumcount(), count=group.transform("size"))
    keys = [*names, "measure", "nth", "count"]
    right = part.loc[part["role"] == match, [*keys, "value"]].rename(columns={"value": "other"})
    pairs = part.loc[part["role"] == role, [*keys, "sample", "value"]].merge(right, on=keys)
    if "utterance" not in names:
        pairs["utterance"] = ""
    if "system" in names and pairs["system"].nunique() > 1:
        pairs["utterance"] = pairs["system"].astype(str) + " " + pairs["utterance"].astype(str)
    if "seed" not in names:
        return pairs[["measure", "utterance", "sample", "value", "other"]]
    by = pairs.groupby(["measure", "utterance", "sample"], sort=False)
    return by[["value", "other"]].mean().reset_index()


def _by_measure(pairs: pd.DataFrame) -> dict[str, Pairs]:
    found = {}
    for measure, rows in pairs.groupby("measure", sort=False):
        owner, utterances = pd.factorize(rows["utterance"])
        differences = (rows["value"] - rows["other"]).to_numpy(np.float64)
        found[str(measure)] = Pairs(differences, owner, [str(name) for name in utterances])
    return found


def _effect(pairs: Pairs | None, speakers: Mapping[str, str] | None, level: float) -> tuple[float, float, float]:
    from harness.statistics import mean_interval

    if pairs is None:
        return np.nan, np.nan, np.nan
    clusters = None if speakers is None else [speakers.get(name, name) for name in pairs.utterances]
    if clusters is not None and len(set(clusters)) < 2:
        clusters = None
    found = mean_interval(pairs.by_utterance(), clusters, level)
    return found.mean, *(np.nan if bound is None else bound for bound in (found.low, found.high))


def exchange_p(pairs: Pairs, resamples: int, rng: np.random.Generator) -> float:
    """Monte-Carlo p that seams exceed their matches by as much when seam and match are exchanged at random.

    The statistic is the effect, the mean over utterances of the mean difference. Utterances keep their weight, and
    (1 + draws at least as large) / (1 + draws) is a valid p (Phipson and Smyth, 2010). NaN where nothing differs.
    """
    if not np.abs(pairs.differences).max(initial=0) > 0:
        return np.nan
    weighted = (pairs.differences / np.bincount(pairs.owner)[pairs.owner]).astype(np.float32)
    observed = float(weighted.sum(dtype=np.float64)) - 1e-6 * float(np.abs(weighted).sum())
    at_least, left = 0, resamples
    while left:
        now = min(left, max(1, BLOCK // len(weighted)))
        kept = rng.integers(0, 2, (now, len(weighted)), dtype=np.int8).astype(np.float32)
        at_least += int((2 * (kept @ weighted) - weighted.sum() >= observed).sum())
        left -= now
    return (1 + at_least) / (1 + resamples)


def z_of(table: pd.DataFrame, prefix: str = "") -> pd.Series:
    """Sum of the seams' normal scores in its standard deviation, by measure; seeds of one utterance are one clip."""
    clip = [name for name in ("system", "utterance", "seed") if name in table.columns]
    total, variance = f"{prefix}score_sum", f"{prefix}score_variance"
    part = table[table["role"].isin((total, variance))]
    if part.empty:
        return pd.Series(dtype=float)
    found = part.groupby([*clip, "measure", "role"], sort=False)["value"].mean().unstack("role")
    if "seed" in clip:  # renderings of one utterance share its speech, and so their chance
        found = found.groupby(level=[name for name in (*clip, "measure") if name != "seed"], sort=False).mean()
    sums = found.groupby(level="measure", sort=False).sum()
    return (sums[total] / np.sqrt(sums[variance]))[sums[variance] > 0]

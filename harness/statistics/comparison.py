"""Every system against a baseline: differences with intervals, tests corrected for their number, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas

from .effects import paired_effect
from .equivalence import tost
from .estimators import estimator_for, trim_of
from .location import locate
from .multiplicity import holm
from .power import detectable
from .samples import StatisticsError, check_share, fewest, read_sample, speaker_clusters
from .scores import paired_utterances
from .sign_flip import sign_flip_p
from .spreadless import sign_p

COLUMNS = (
    "system", "baseline", "metric", "identity", "unit", "direction", "n", "speakers", "estimator", "difference", "low",
    "high", "p", "p_holm", "d_z", "d_z_low", "d_z_high", "superiority", "mdd", "margin", "equivalence_p", "verdict",
    "missing", "p_sign_flip", "superiority_low", "superiority_high", "equivalence_p_holm", "because",
)  # fmt: skip
"""The first 22 are what everybody reads; the last six are for those who want to know more."""

FLIPS = 10_000_000
"""Signs drawn for one row at most, beyond 1,000 patterns: with 10,000 utterances ten times as many would take
minutes."""

_TEXT = ("system", "baseline", "metric", "identity", "unit", "direction", "estimator", "verdict", "because")
_COUNTS = ("n", "speakers", "missing")


def compare_systems(
    scores: pandas.DataFrame,
    baseline: str,
    *,
    systems: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    margins: Mapping[str, float] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> pandas.DataFrame:
    """Compare systems with a baseline over the utterances that both have, metric identity by metric identity.

    Seeds are averaged within the utterance first. Utterances of one speaker are a cluster; where all are of one, they
    are taken as independent. Differences of heavy-tailed metrics are 20 % trimmed means (``estimators.HEAVY``). ``p``
    is that of the t test whose interval is shown; where all differences are the same, that of the sign test.

    Args:
        scores: as ``scores.parquet``: system, utterance, speaker, seed, metric, identity, value, unit.
        baseline: the system that the others are compared with.
        systems: those to compare; None for all but the baseline.
        metrics: names or identities; None for all.
        margins: by metric name or identity, the largest difference that does not matter, in the metric's unit.
        level: of the intervals; alpha is 1 minus it.
        seed: of the sign flips.

    Returns:
        A row a system and metric identity, columns :data:`COLUMNS`; numbers that cannot be had are NaN.
        ``difference`` and ``d_z`` are system minus baseline in the metric's own direction; ``superiority`` is the
        probability that the system is the *better* one on an utterance (the higher one, where the metric has no
        direction). ``speakers`` is the number of clusters, 1 where utterances were taken as independent. ``missing``
        counts utterances that only one of the two was scored of. ``mdd``: what would have been found with a chance of
        0.8 (at the least: every test at alpha over their number, which Holm's method may only relax).

        ``verdict``, after Holm's correction over all rows of the call (which ``.attrs["family"]`` declares):
        ``equivalent`` (a margin was given and the difference shown to lie within), ``better``, ``worse``, ``different``
        (the metric has no direction), ``not told apart``, ``too few`` (no verdict, ``because`` of what).

    Raises:
        StatisticsError: an unknown system or metric, a level or margin that cannot be, or two scores of one utterance.
    """
    check_share("level", level)
    systems = _known(scores, baseline, systems)
    rows = scores if metrics is None else scores[_named(scores, metrics)]
    found = []
    for system in systems:
        pairs = dict(iter(paired_utterances(rows, system, baseline).groupby("identity", sort=False)))
        of_both = rows[rows["system"].isin([system, baseline])]
        for identity, part in of_both.groupby("identity", sort=False):
            facts = {"system": system, "baseline": baseline, "identity": identity} | _facts(part, margins or {})
            found.append(_row(facts, pairs.get(identity), part, level, seed))
    table = pandas.DataFrame(found, columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name not in (*_TEXT, *_COUNTS)]
    table = table.astype(dict.fromkeys(numbers, np.float64) | dict.fromkeys(_COUNTS, np.int64))
    tests = max(1, int(table["p"].notna().sum()))
    table["mdd"] = [
        detectable(row["location"], alpha=(1 - level) / tests) if "location" in row else np.nan for row in found
    ]
    table["p_holm"], table["equivalence_p_holm"] = holm(table["p"]), holm(table["equivalence_p"])
    table["verdict"] = [_verdict(row, level) for row in table.to_dict("records")]
    few = fewest(1 - level)
    table["because"] = [_because(row, few) if row["verdict"] == "too few" else "" for row in table.to_dict("records")]
    table.attrs["family"] = _family(table, baseline, systems, level)
    return table


def _known(scores: pandas.DataFrame, baseline: str, systems: Sequence[str] | None) -> list[str]:
    there = list(pandas.unique(scores["system"]))
    for system in [baseline, *(systems or [])]:
        if system not in there:
            raise StatisticsError(f"there are no scores of {system!r}; there are {', '.join(map(str, there))}")
    return [system for system in (there if systems is None else systems) if system != baseline]


def _named(scores: pandas.DataFrame, metrics: Sequence[str]) -> pandas.Series:
    for metric in metrics:
        if not (scores["metric"].eq(metric) | scores["identity"].eq(metric)).any():
            there = ", ".join(pandas.unique(scores["metric"]))
            raise StatisticsError(f"there are no scores by {metric!r}; there are {there}")
    return scores["metric"].isin(metrics) | scores["identity"].isin(metrics)


def _facts(part: pandas.DataFrame, margins: Mapping[str, float]) -> dict[str, Any]:
    """What the table of scores and the registry say of a metric identity."""
    from harness.metrics import REGISTRY

    first = part.iloc[0]
    metric = str(first["metric"])
    margin = margins.get(str(first["identity"]), margins.get(metric, np.nan))
    direction = REGISTRY[metric].direction if metric in REGISTRY else ""
    return {
        "metric": metric,
        "unit": first["unit"],
        "direction": direction,
        "estimator": estimator_for(metric),
        "margin": margin,
    }


def _row(
    facts: dict[str, Any], pairs: pandas.DataFrame | None, part: pandas.DataFrame, level: float, seed: int
) -> dict[str, Any]:
    """One row of the table but for what depends on the other rows."""
    n = 0 if pairs is None else len(pairs)
    missing = part.loc[part["value"].notna(), "utterance"].nunique() - n
    if not n:
        return facts | {"n": 0, "speakers": 0, "missing": missing}
    differences, trim = pairs["difference"].to_numpy(), trim_of(facts["metric"])
    clusters = speaker_clusters(pairs["speaker"])
    location = locate(differences, clusters, trim)
    _, low, high = location.interval(level)
    p = location.p_value() if location.has_spread else sign_p(read_sample(differences, clusters))
    effect = paired_effect(differences, clusters, level, trim)
    superiority = (effect.superiority, effect.superiority_low, effect.superiority_high)
    if facts["direction"] == "lower":
        superiority = (1 - superiority[0], 1 - superiority[2], 1 - superiority[1])
    margin = facts["margin"]
    return facts | {
        "n": n,
        "speakers": pairs["speaker"].nunique(),
        "missing": missing,
        "difference": location.estimate,
        "low": low,
        "high": high,
        "p": p,
        "p_sign_flip": sign_flip_p(differences, clusters, resamples=min(10_000, max(1000, FLIPS // n)), seed=seed),
        "d_z": effect.d_z,
        "d_z_low": effect.d_z_low,
        "d_z_high": effect.d_z_high,
        "superiority": superiority[0],
        "superiority_low": superiority[1],
        "superiority_high": superiority[2],
        "location": location,
        "equivalence_p": np.nan if np.isnan(margin) else tost(differences, margin, clusters, level, trim).p,
    }


def _because(row: Mapping[str, Any], few: int) -> str:
    """Why there is no verdict."""
    if not row["n"]:
        return "no utterance was measured alike in both"
    if row["n"] < few:
        return f"{row['n']} utterances, {few} are needed"
    return "too few speakers" if row["speakers"] < 2 else "most differences are the same, so that no spread is left"


def _verdict(row: Mapping[str, Any], level: float) -> str:
    alpha = 1 - level
    if row["n"] < fewest(alpha) or np.isnan(row["p"]):
        return "too few"
    if row["equivalence_p_holm"] <= alpha:
        return "equivalent"
    if row["p_holm"] > alpha:
        return "not told apart"
    if not row["direction"]:
        return "different"
    return "better" if (row["difference"] > 0) == (row["direction"] == "higher") else "worse"


def _family(table: pandas.DataFrame, baseline: str, systems: Sequence[str], level: float) -> str:
    tests = int(table["p"].notna().sum())
    return (
        f"{tests} tests of a difference from {baseline} ({len(systems)} systems, "
        f"{table['identity'].nunique()} metrics), "
        f"corrected together by Holm's method at {1 - level:.3g}; tests of equivalence, where margins are given, "
        "are a family of their own"
    )

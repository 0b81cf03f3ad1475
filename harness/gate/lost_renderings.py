"""Renderings that the baseline has a score for and the candidate has none: lost, and never left out without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas

from harness.run import Run

from .comparability import decoded_seeds
from .gated_metrics import GatedMetric, Sides
from .policy import Policy
from .refusal import few
from .system_pairs import SystemPair

EVERY_SYSTEM = "*"  # in failures: what kept every system from an utterance
BLAMED = "the rendering "  # how a metric begins that finds fault with the rendering, not with itself
KEYS = ["metric", "utterance", "seed"]


def failed(baseline: Run, candidate: Run, pair: SystemPair) -> dict[str, str]:
    """Utterances that only the candidate failed to render, with the reason; scoring failures are no fault of it."""
    old = _failed(baseline, pair.baseline)
    return {name: why for name, why in _failed(candidate, pair.candidate).items() if name not in old}


def _failed(run: Run, system: str) -> dict[str, str]:
    rows = run.failures()
    rows = rows[rows["system"].isin([system, EVERY_SYSTEM]) & (rows["stage"] != "score")]
    return {str(row.utterance): f"{row.stage}: {row.error}" for row in rows.itertuples()}


def renders(sides: Sides, pair: SystemPair, failures: Mapping[str, str]) -> bool:
    """Whether the candidate gave anything that could be scored: where not, no metric has disappeared, it has failed."""
    rows = sides.new[sides.new["system"] == pair.candidate]
    if rows["value"].notna().any():
        return True
    spoilt = set(rows["utterance"].astype(str)) if rows["unscored_because"].str.startswith(BLAMED).all() else set()
    return any(str(u["utterance_id"]) not in failures.keys() | spoilt for u in sides.baseline.utterances)


def lost_scores(sides: Sides, pair: SystemPair, metrics: Sequence[GatedMetric], policy: Policy) -> pandas.DataFrame:
    """Columns ``metric``, ``utterance``, ``seed``, ``why``: what the baseline has a score for and the candidate has not.

    With ``seeds = "any"`` there is no seed of the baseline's to hold one against: all that the candidate lacks of an
    utterance is lost where that is a larger share of its seeds than of the baseline's.
    """
    old = _rows(sides.old, pair.baseline, metrics)
    new = _rows(sides.new, pair.candidate, metrics)
    scored = new.loc[new["value"].notna(), KEYS].assign(there=True)
    wanted = _any_seed(sides, pair, old, new) if policy.seeds == "any" else old.loc[old["value"].notna(), KEYS]
    wanted = wanted.drop_duplicates().merge(scored.drop_duplicates(), on=KEYS, how="left")
    gone = wanted.loc[wanted["there"].isna(), KEYS]
    reasons = new.loc[new["value"].isna(), [*KEYS, "unscored_because"]].drop_duplicates(KEYS)
    gone = gone.merge(reasons.rename(columns={"unscored_because": "why"}), on=KEYS, how="left")
    errors = gone["utterance"].map(_failed(sides.candidate, pair.candidate))
    return gone.assign(why=gone["why"].fillna(errors).fillna("not in the candidate's scores"))


def _rows(rows: pandas.DataFrame, system: str, metrics: Sequence[GatedMetric]) -> pandas.DataFrame:
    rows = rows[(rows["system"] == system) & rows["identity"].isin([metric.identity for metric in metrics])]
    return rows.astype({"utterance": str})


def _any_seed(sides: Sides, pair: SystemPair, old: pandas.DataFrame, new: pandas.DataFrame) -> pandas.DataFrame:
    """Every seed of the candidate, for the utterances and metrics of which it has a smaller share than the baseline."""
    seeds = decoded_seeds(sides.new, pair.candidate)
    counts = [rows[rows["value"].notna()].groupby(KEYS[:2], sort=False).size() for rows in (old, new)]
    shares = [
        count / max(1, len(of))
        for count, of in zip(counts, (decoded_seeds(sides.old, pair.baseline), seeds), strict=True)
    ]
    fewer = shares[0][shares[1].reindex(shares[0].index, fill_value=0.0) < shares[0] - 1e-9]
    return fewer.reset_index()[KEYS[:2]].merge(pandas.DataFrame({"seed": seeds}), how="cross")


def blamed(lost: pandas.DataFrame, metric: GatedMetric) -> list[str]:
    """Utterances of which a metric lacks scores by the rendering's own fault, such as its silence."""
    rows = lost[(lost["metric"] == metric.name) & lost["why"].str.startswith(BLAMED)]
    return list(rows["utterance"].unique())


def told(lost: pandas.DataFrame, metrics: Sequence[GatedMetric]) -> dict[str, str]:
    """By utterance, in which seeds and why; the metrics only where it is not all of them."""
    found = {}
    for name, rows in lost.groupby("utterance", sort=False):
        texts = []
        for why, part in rows.groupby("why", sort=False):
            names = list(part["metric"].unique())
            of = "" if len(names) == len(metrics) else f"{few(names)} in "
            seeds = sorted(part["seed"].unique())
            texts.append(f"{of}seed{'s' if len(seeds) > 1 else ''} {few(seeds)}: {why}")
        found[str(name)] = few(texts)
    return found

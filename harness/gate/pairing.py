"""Put two runs side by side, or say why they cannot be: nothing is compared that was not measured alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas

from harness.run import Run

from .comparability import chunking_differences, corpus_differences, seed_differences
from .gated_metrics import GatedMetric, Sides, gated_metrics
from .lost_renderings import blamed, failed, lost_scores, renders, told
from .policy import Policy
from .refusal import GateRefusedError, few
from .system_pairs import SystemPair, system_pairs


@dataclass(frozen=True)
class Pairing:
    """Two runs of one corpus, and what of them is compared.

    Attributes:
        baseline, candidate: the runs.
        utterances: of the corpus, as ``utterances.json`` has them.
        systems: each a pair of names.
        metrics: in the policy's order.
        scores: columns ``system`` (the pair's name), ``metric``, ``utterance``, ``speaker``, ``baseline``,
            ``candidate``, ``difference`` (times the sign: below 0 is worse); one row an utterance that the baseline has
            a value for; seeds are averaged within the utterance first. ``candidate`` is NaN where only it has none.
        lost: utterances that the baseline has scores for and the candidate, in one seed or in all, failed to render or
            rendered so that they cannot be scored; and in which seeds and why; by pair name.
        notes: what a reader should know.
    """

    baseline: Run
    candidate: Run
    utterances: list[dict[str, Any]]
    systems: tuple[SystemPair, ...]
    metrics: tuple[GatedMetric, ...]
    scores: pandas.DataFrame
    lost: dict[str, dict[str, str]]
    notes: list[str] = field(default_factory=list)

    def of(self, system: SystemPair, metric: GatedMetric) -> pandas.DataFrame:
        """The rows of one system and metric."""
        rows = self.scores
        return rows[(rows["system"] == system.name) & (rows["metric"] == metric.name)]


def pair_runs(baseline: Run, candidate: Run, policy: Policy, systems: Sequence[str] = ()) -> Pairing:
    """Check that two runs can be compared, and pair their scores.

    Args:
        baseline: what holds now.
        candidate: what wants to replace it.
        policy: which metrics, and what may differ.
        systems: ``NAME`` or ``NEW=OLD``; () for the policy's, and where it names none for every system that both runs
            have, recordings and ceilings excepted.

    Raises:
        GateRefusedError: corpus, systems, metric identities, chunking or seeds differ, or too many scores are absent;
            with every reason, not the first alone.
        RunError: a run that cannot be read.
    """
    notes: list[str] = []
    refusals: list[str] = []
    pairs = system_pairs(baseline, candidate, [*systems] or [*policy.systems], notes, refusals)
    sides = Sides.of(baseline, candidate)
    refusals += corpus_differences(baseline, candidate)
    lost = {pair.name: failed(baseline, candidate, pair) for pair in pairs}
    # of a system that renders nothing at all there is nothing to score: that is its fault, not the evaluation's
    rendering = [pair for pair in pairs if renders(sides, pair, lost[pair.name])]
    metrics = gated_metrics(sides, policy, pairs, rendering, refusals, notes)
    for pair in rendering:
        refusals += seed_differences(sides, pair, policy, notes)
        refusals += chunking_differences(baseline, candidate, pair, policy, notes)
    if refusals:
        raise GateRefusedError(refusals)
    parts = []
    for pair in pairs:
        unscored = lost_scores(sides, pair, metrics, policy)
        for metric in metrics:
            parts.append(_paired(sides, pair, metric, policy))
            refusals += _absent(parts[-1], pair, metric, policy, [*lost[pair.name], *blamed(unscored, metric)])
        lost[pair.name] |= told(unscored, metrics)
    if refusals:
        raise GateRefusedError(refusals)
    scores = pandas.concat([part[part["baseline"].notna()] for part in parts], ignore_index=True)
    return Pairing(baseline, candidate, list(baseline.utterances), pairs, metrics, scores, lost, notes)


def _paired(sides: Sides, pair: SystemPair, metric: GatedMetric, policy: Policy) -> pandas.DataFrame:
    """The values of both sides by utterance of the corpus, seeds averaged first."""
    on = ["utterance"] if policy.seeds == "any" else ["utterance", "seed"]
    old = _values(sides.old, pair.baseline, metric.identity, on, "baseline")
    new = _values(sides.new, pair.candidate, metric.identity, on, "candidate")
    both = old.merge(new, on=on, how="outer")
    if policy.seeds != "any":  # of a seed that one side lacks there is no difference; lost_renderings counts it
        complete = both.dropna(subset=["baseline", "candidate"])
        rest = both[~both["utterance"].isin(complete["utterance"])]
        known = rest.loc[rest["baseline"].notna(), "utterance"]
        rest = rest.assign(candidate=rest["candidate"].where(~rest["utterance"].isin(known)))
        both = pandas.concat([complete, rest]).groupby("utterance", sort=False)[["baseline", "candidate"]].mean()
        both = both.reset_index()
    people = {str(u["utterance_id"]): str(u.get("speaker_id", "")) for u in sides.baseline.utterances}
    frame = pandas.DataFrame({"utterance": list(people), "speaker": list(people.values())})
    frame = frame.merge(both[["utterance", "baseline", "candidate"]], on="utterance", how="left")
    frame.insert(0, "system", pair.name)
    frame.insert(1, "metric", metric.name)
    return frame.assign(difference=metric.sign * (frame["candidate"] - frame["baseline"]))


def _values(rows: pandas.DataFrame, system: str, identity: str, on: list[str], side: str) -> pandas.DataFrame:
    rows = rows[(rows["system"] == system) & (rows["identity"] == identity)]
    rows = rows[np.isfinite(rows["value"])]
    return rows.groupby(on, sort=False)["value"].mean().rename(side).reset_index().astype({"utterance": str})


def _absent(
    part: pandas.DataFrame, pair: SystemPair, metric: GatedMetric, policy: Policy, lost: Sequence[str]
) -> list[str]:
    """Refuse where too many values are absent for a reason other than a rendering that failed or is unfit."""
    missing = part[part["difference"].isna() & ~part["utterance"].isin(lost)]
    if len(missing) <= policy.missing * len(part):
        return []
    return [
        f"{metric.name} of {pair.name}: {len(missing)} of {len(part)} scores are absent "
        f"({few(list(missing['utterance']))}), and the policy allows {policy.missing:.0%}; "
        "failures.parquet and unscored_because in scores.parquet say why"
    ]

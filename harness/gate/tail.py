"""Judge tails: trimming hides what happens to a few utterances, so those are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas

from .checks import Check, Verdict, figure
from .gated_metrics import GatedMetric
from .pairing import Pairing
from .policy import Policy
from .refusal import few
from .system_pairs import SystemPair


@dataclass(frozen=True, slots=True)
class Regression:
    """An utterance that fell.

    Attributes:
        system, utterance, speaker: which.
        metric: by which it fell furthest, counted in margins; "" where the candidate failed to render it.
        baseline, candidate: values of that metric; NaN where there is none.
        margins: by how many margins it fell; infinite where the candidate has no value.
        why: in words.
        far: whether it fell beyond the tail gate's limit, or was lost.
    """

    system: str
    utterance: str
    speaker: str
    metric: str
    baseline: float
    candidate: float
    margins: float
    why: str
    far: bool


def tail_margins(metric: GatedMetric, policy: Policy) -> float:
    """By how many margins an utterance may fall before it counts."""
    own = metric.rule.tail_margins
    return own if own is not None else policy.tail.margins if policy.tail else np.inf


def fallen(rows: pandas.DataFrame, metric: GatedMetric, policy: Policy) -> pandas.DataFrame:
    """The rows that fell by more than the tail gate's margins, or have no value in the candidate; worst first."""
    limit = tail_margins(metric, policy) * metric.rule.margin
    far = rows[(rows["difference"] < -limit) | rows["difference"].isna()]
    return far.sort_values("difference", na_position="first", kind="stable")


def tail_checks(pairing: Pairing, policy: Policy, against: str = "baseline") -> list[Check]:
    """One check a system and metric, and one a system on what the candidate failed to render or rendered unfit to be scored."""
    checks = []
    for system in pairing.systems:
        lost = pairing.lost[system.name]
        if policy.tail is not None:
            checks += [_tail(pairing, system, metric, policy, against) for metric in pairing.metrics]
        verdict: Verdict = "FAIL" if len(lost) > policy.lost else "PASS"
        checks.append(
            Check(
                kind="rendered",
                system=system.name,
                metric="utterances lost",
                against=against,
                verdict=verdict,
                estimate=float(len(lost)),
                margin=float(policy.lost),
                unit="utterances",
                n=len(pairing.utterances),
                note=few([f"{name} ({why})" for name, why in lost.items()]),
            )
        )
    return checks


def _tail(pairing: Pairing, system: SystemPair, metric: GatedMetric, policy: Policy, against: str) -> Check:
    rows = pairing.of(system, metric)
    lost = rows["utterance"].isin(list(pairing.lost[system.name])) & rows["difference"].isna()
    rows = rows[~lost]  # judged by a check of their own; where other seeds have a value, that may have fallen
    far = fallen(rows, metric, policy)
    k, allowed = tail_margins(metric, policy), policy.tail.allowed(len(rows))
    rose = int((rows["difference"] > k * metric.rule.margin).sum())
    names = [f"{row.utterance} ({_fall(row.difference, metric.unit)})" for row in far.itertuples()]
    notes = [few(names), f"{rose} rose as far" if rose else ""]
    return Check(
        kind="tail",
        system=system.name,
        metric=metric.name,
        against=against,
        verdict="FAIL" if len(far) > allowed else "PASS",
        estimate=float(len(far)),
        margin=float(allowed),
        unit=f"utterances below −{k * metric.rule.margin:g} {metric.unit}".rstrip(),
        n=len(rows),
        note="; ".join(filter(None, notes)),
    )


def _fall(difference: float, unit: str) -> str:
    return "no value" if np.isnan(difference) else f"{figure(difference)} {unit}".rstrip()


def regressions(pairing: Pairing, policy: Policy) -> list[Regression]:
    """Every utterance that fell in any metric, the furthest first: each once a system, by its worst metric."""
    found: dict[tuple[str, str], Regression] = {}
    for system in pairing.systems:
        for name, why in pairing.lost[system.name].items():
            found[system.name, name] = Regression(system.name, name, "", "", np.nan, np.nan, np.inf, why, True)
        for metric in pairing.metrics:
            for row in pairing.of(system, metric).itertuples():
                fall = _regression(row, metric, policy)
                before = found.get((system.name, fall.utterance))
                if fall.margins > 0 and (before is None or fall.margins > before.margins):
                    found[system.name, fall.utterance] = fall
    return sorted(found.values(), key=lambda fall: -fall.margins)


def _regression(row: object, metric: GatedMetric, policy: Policy) -> Regression:
    absent = bool(np.isnan(row.difference))
    margins = np.inf if absent else -row.difference / metric.rule.margin
    far = bool(margins > tail_margins(metric, policy))
    why = (
        f"{metric.name} has no value in the candidate"
        if absent
        else f"{metric.name} {row.baseline:.3g} → {row.candidate:.3g} {metric.unit}".rstrip()
    )
    return Regression(
        row.system,
        row.utterance,
        row.speaker,
        metric.name,
        float(row.baseline),
        float(row.candidate),
        float(margins),
        why,
        far,
    )

"""Judge quality: non-inferiority of paired differences (means, some trimmed), metric by metric and slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas

from harness.statistics import holm, non_inferiority

from .checks import WHOLE, Check, Must
from .gated_metrics import GatedMetric
from .pairing import Pairing
from .policy import Policy, trim_for
from .slices import parts_of
from .system_pairs import SystemPair


def quality_checks(pairing: Pairing, policy: Policy, against: str = "baseline") -> list[Check]:
    """One check a system, metric and slice; Holm's correction is still to come (:func:`corrected`).

    Notes on slices that were left out go to ``pairing.notes``.
    """
    parts: list[tuple[str, Must, list[str] | None]] = [(WHOLE, "pass", None)]
    for rule in policy.slices:
        found, notes = parts_of(pairing.baseline, pairing.utterances, rule)
        parts += [(name, rule.must, names) for name, names in found.items() if len(found) > 1 or rule.must == "pass"]
        if against == "baseline":
            pairing.notes.extend(notes)
    return [
        judge(_of(pairing, system, metric, names), system, metric, policy, part=part, must=must, against=against)
        for system in pairing.systems
        for part, must, names in parts
        for metric in pairing.metrics
    ]


def _of(pairing: Pairing, system: SystemPair, metric: GatedMetric, names: list[str] | None) -> pandas.DataFrame:
    rows = pairing.of(system, metric)
    return rows if names is None else rows[rows["utterance"].isin(names)]


def judge(
    rows: pandas.DataFrame,
    system: SystemPair,
    metric: GatedMetric,
    policy: Policy,
    *,
    part: str = WHOLE,
    must: Must = "pass",
    against: str = "baseline",
) -> Check:
    """The verdict on one metric over some utterances.

    Args:
        rows: columns ``difference`` (below 0 is worse; NaN is left out, for the tail gate to count) and ``speaker``.
        system, metric: which.
        policy: level, trim (:func:`~harness.gate.policy.trim_for`) and clusters.
        part, must, against: as the check has them.
    """
    clusters = rows["speaker"].to_numpy() if policy.clusters == "speaker" else None
    found = non_inferiority(
        rows["difference"].to_numpy(np.float64),
        metric.rule.margin,
        clusters,
        level=policy.level,
        trim=trim_for(metric.name, metric.rule.trim, policy.trim),
    )
    return Check(
        kind="quality",
        system=system.name,
        metric=metric.name,
        part=part,
        against=against,
        must=must,
        verdict=found.verdict,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        margin=metric.rule.margin,
        unit=metric.unit,
        n=found.n,
        needed_n=found.needed_n,
        p_fail=found.p_fail,
        note=found.note,
    )


def corrected(checks: Sequence[Check], level: float) -> list[Check]:
    """Let a FAIL stand only where it survives Holm's correction over all quality checks given.

    PASS needs none: "every metric must pass" is an intersection-union test, of level as it is.
    """
    p_holm = holm([check.p_fail if check.kind == "quality" else np.nan for check in checks])
    return [_corrected(check, float(p), level) for check, p in zip(checks, p_holm, strict=True)]


def _corrected(check: Check, p: float, level: float) -> Check:
    check = replace(check, p_holm=p)
    if check.kind != "quality" or check.verdict != "FAIL" or p < 1 - level:
        return check
    note = f"worse than the margin taken alone, not after correction for all checks (p {p:.2g})"
    return replace(check, verdict="INCONCLUSIVE", note="; ".join(filter(None, [check.note, note])))

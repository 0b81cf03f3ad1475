"""Which metrics are compared: those of the policy, in the one identity that both runs have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas

from harness.run import Run

from .policy import MetricRule, Policy
from .system_pairs import SystemPair


@dataclass(frozen=True, slots=True)
class GatedMetric:
    """A metric that both runs have in one identity.

    Attributes:
        name, identity, unit: as in the scores.
        sign: +1 where higher is better, -1 where lower is; differences times it fall when the candidate is worse.
        rule: what the policy asks of it.
    """

    name: str
    identity: str
    unit: str
    sign: int
    rule: MetricRule


@dataclass(frozen=True, slots=True)
class Sides:
    """The two runs with their scores, read once; ``value`` is float64, NaN where unscored."""

    baseline: Run
    candidate: Run
    old: pandas.DataFrame
    new: pandas.DataFrame

    @classmethod
    def of(cls, baseline: Run, candidate: Run) -> Sides:
        """Read the scores of both."""
        return cls(baseline, candidate, scores_of(baseline), scores_of(candidate))


def scores_of(run: Run) -> pandas.DataFrame:
    """The scores of a run, ``value`` as float64."""
    scores = run.scores()
    return scores.assign(value=pandas.to_numeric(scores["value"], errors="coerce"))


def gated_metrics(
    sides: Sides,
    policy: Policy,
    pairs: Sequence[SystemPair],
    rendering: Sequence[SystemPair],
    refusals: list[str],
    notes: list[str],
) -> tuple[GatedMetric, ...]:
    """The metrics to gate; ``rendering`` are the pairs of which the candidate rendered anything."""
    found = []
    for name, rule in policy.metrics.items():
        identities = [_identities(sides, "baseline", name, pairs)]
        identities.append(_identities(sides, "candidate", name, rendering) if rendering else identities[0])
        absent = [side for side, known in zip(("baseline", "candidate"), identities, strict=True) if not known]
        if absent:
            what = (
                f"metric {name}: the {' and the '.join(absent)} {'has' if len(absent) == 1 else 'have'} no value of it"
            )
            if rule.required or absent == ["candidate"]:  # what the candidate lost is no matter of taste
                refusals.append(f"{what}; score it there, or take it out with metrics.{name} = false in the policy")
            elif len(absent) == 1:
                notes.append(f"{what}, not gated")
            continue
        if identities[0] != identities[1] or len(identities[0]) > 1:
            texts = [" and ".join(sorted(known)) for known in identities]
            refusals.append(
                f"metric {name}: measured as {texts[0]} in the baseline and as {texts[1]} in the candidate; "
                "score both runs again with one installation and one choice of parameters"
            )
            continue
        ((identity, unit),) = identities[0].items()
        if sign := _sign(name, rule, refusals):
            found.append(GatedMetric(name, identity, unit, sign, rule))
    if not found and not refusals:
        refusals.append("no metric of the policy is in both runs; score them, or change the policy")
    return tuple(found)


def _identities(sides: Sides, side: str, name: str, pairs: Sequence[SystemPair]) -> dict[str, str]:
    """Unit by identity, of the compared systems' scores that have a value."""
    rows = sides.old if side == "baseline" else sides.new
    systems = [getattr(pair, side) for pair in pairs]
    rows = rows[(rows["metric"] == name) & rows["system"].isin(systems) & rows["value"].notna()]
    return {str(row.identity): str(row.unit) for row in rows[["identity", "unit"]].drop_duplicates().itertuples()}


def _sign(name: str, rule: MetricRule, refusals: list[str]) -> int:
    """+1 or -1; 0 with a refusal where neither is known, or where the policy contradicts the registry."""
    from harness.metrics import REGISTRY

    known = getattr(REGISTRY.get(name), "direction", "")
    if known and rule.direction not in ("", known):
        refusals.append(
            f"metric {name}: {known} is better by the registry, and the policy says {rule.direction!r}; "
            f"take out metrics.{name}.direction"
        )
        return 0
    sign = {"higher": 1, "lower": -1}.get(known or rule.direction, 0)
    if sign == 0:
        refusals.append(f'metric {name}: neither direction is better; give metrics.{name}.direction = "higher"')
    return sign

"""A/A: the baseline against itself. A gate that finds a regression there would find one anywhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas

from .checks import Check
from .comparability import decoded_seeds
from .gated_metrics import GatedMetric, scores_of
from .pairing import Pairing
from .policy import Policy
from .refusal import few
from .system_pairs import SystemPair
from .tail import fallen
from .verdicts import corrected, judge

MOST_SPLITS = 40  # of a baseline of many seeds; more would say nothing more


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the baseline's own seeds, split against each other, came to.

    Attributes:
        status: ``passed``, ``failed``, ``not possible`` (one seed), ``off``.
        splits: how many there were, each in both directions.
        passed: share of these in which every metric passed: what a candidate of the same weights can hope for.
        problems: one line each, of what failed.
        warnings: one line each, of margins that this corpus and so many seeds cannot decide.
    """

    status: str
    splits: int = 0
    passed: float = math.nan
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """For JSON: NaN becomes None."""
        return {**asdict(self), "passed": None if math.isnan(self.passed) else self.passed}


def calibrate(pairing: Pairing, policy: Policy) -> Calibration:
    """Split the seeds of the baseline into halves in every way (at most 40), and gate one half against the other.

    The halves average over fewer seeds than the gated comparison does, so that their differences are noisier;
    they are scaled to the noise that it has: by sqrt((1/K + 1/L) / (1/a + 1/b)) for K and L seeds in the two runs and
    a and b in the halves.
    """
    if policy.calibration == "off":
        return Calibration("off")
    scores = scores_of(pairing.baseline)
    runs = []
    others = scores_of(pairing.candidate)
    for system in pairing.systems:
        seeds = decoded_seeds(scores, system.baseline)
        gated = (len(seeds), len(decoded_seeds(others, system.candidate)) or len(seeds))
        for half in _halves(seeds):
            scale = noise_scale(gated, (len(half[0]), len(half[1])))
            for a, b in (half, half[::-1]):
                runs.append(_gate(pairing, system, scores, a, b, scale, policy))
    if not runs:
        return Calibration("not possible", problems=["the baseline has one seed: nothing to split"])
    problems = sorted({problem for checks in runs for problem in _problems(checks)})
    passed = float(np.mean([all(check.verdict == "PASS" for check in checks) for checks in runs]))
    return Calibration(
        "failed" if problems else "passed", len(runs) // 2, passed, problems, _warnings(runs, pairing, policy)
    )


def _halves(seeds: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every way to split into two as equal as can be, once each."""
    found = 0
    for half in itertools.combinations(seeds, len(seeds) // 2):
        rest = tuple(seed for seed in seeds if seed not in half)
        if not half or (len(half) == len(rest) and half > rest):
            continue
        yield half, rest
        found += 1
        if found == MOST_SPLITS:
            return


def _gate(
    pairing: Pairing,
    system: SystemPair,
    scores: pandas.DataFrame,
    a: Sequence[int],
    b: Sequence[int],
    scale: float,
    policy: Policy,
) -> list[Check]:
    """One half against the other, its differences times ``scale``."""
    checks = []
    for metric in pairing.metrics:
        rows = _difference(scores, system.baseline, metric, a, b)
        rows = rows.assign(difference=rows["difference"] * scale)
        checks.append(judge(rows, system, metric, policy))
        if policy.tail is not None:
            count, allowed = len(fallen(rows, metric, policy)), policy.tail.allowed(len(rows))
            verdict = "FAIL" if count > allowed else "PASS"
            checks.append(
                Check(
                    kind="tail",
                    system=system.name,
                    metric=metric.name,
                    verdict=verdict,
                    estimate=count,
                    margin=allowed,
                    n=len(rows),
                )
            )
    return corrected(checks, policy.level)


def noise_scale(gated: tuple[int, int], halves: tuple[int, int]) -> float:
    """How much less noisy a difference of means over ``gated`` numbers of seeds is than one over ``halves``."""
    (k, m), (a, b) = gated, halves
    return math.sqrt((1 / k + 1 / m) / (1 / a + 1 / b))


def _difference(
    scores: pandas.DataFrame, system: str, metric: GatedMetric, a: Sequence[int], b: Sequence[int]
) -> pandas.DataFrame:
    """One half minus the other, by utterance; what either lacks is left out."""
    rows = scores[(scores["system"] == system) & (scores["identity"] == metric.identity) & scores["value"].notna()]
    means = [
        rows[rows["seed"].isin(list(seeds))].groupby(["utterance", "speaker"], sort=False)["value"].mean()
        for seeds in (a, b)
    ]
    both = pandas.concat(means, axis=1, keys=["a", "b"], join="inner").reset_index()
    return both.assign(difference=metric.sign * (both["a"] - both["b"]))


def _problems(checks: Sequence[Check]) -> list[str]:
    return [
        f"{check.system}: the baseline FAILs against itself by {check.metric}"
        + (" (tail: raise tail.margins, or decode more seeds)" if check.kind == "tail" else "")
        for check in checks
        if check.verdict == "FAIL"
    ]


def _warnings(runs: Sequence[Sequence[Check]], pairing: Pairing, policy: Policy) -> list[str]:
    """What a candidate of the very same weights would leave undecided half of the time or more."""
    found = []
    for system, metric in itertools.product(pairing.systems, pairing.metrics):
        quality = [
            check
            for checks in runs
            for check in checks
            if check.kind == "quality" and (check.system, check.metric) == (system.name, metric.name)
        ]
        needed = [check.needed_n for check in quality if check.needed_n is not None]
        undecided = np.mean([check.verdict == "INCONCLUSIVE" for check in quality])
        if undecided >= 0.5:
            enough = f"; about {int(np.median(needed))} utterances are needed" if needed else ""
            found.append(
                f"{system.name}: {metric.name} is underpowered: the margin {metric.rule.margin:g} {metric.unit}".rstrip()
                + f" is too fine for {quality[0].n} utterances and so many seeds{enough}; decode more of either"
            )
    return found


def refusal(calibration: Calibration, policy: Policy) -> list[str]:
    """Why nothing can be concluded, given what the policy asks."""
    if calibration.status == "failed":
        return [f"calibration: {few(calibration.problems)}"]
    if calibration.status == "not possible" and policy.calibration == "required":
        return [
            "calibration: the baseline has one seed, so nothing can be split; decode it with several "
            '(--seeds 0,1,2) and promote it again, or set calibration = "if possible" in the policy'
        ]
    return []

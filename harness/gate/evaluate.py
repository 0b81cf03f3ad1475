"""The gate itself: pair, calibrate, judge, and put the result together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.run import Run, RunError

from .calibration import Calibration, calibrate, refusal
from .checks import Check
from .comparability import decoded_seeds
from .interleaving import latency_checks
from .outcome import GateResult
from .pairing import Pairing, pair_runs
from .policy import Policy
from .refusal import GateRefusedError
from .tail import regressions, tail_checks
from .verdicts import corrected, quality_checks


def evaluate(
    baseline: str | Path,
    candidate: str | Path,
    policy: Policy,
    *,
    systems: Sequence[str] = (),
    anchor: str | Path | None = None,
    interleaved: bool = False,
    names: tuple[str, str] | None = None,
) -> GateResult:
    """Gate one run against another.

    Args:
        baseline, candidate: folders of runs.
        policy: what is demanded.
        systems: ``NAME`` or ``NEW=OLD``; () for the policy's, or all that both runs have.
        anchor: the first run ever promoted: a candidate is held against it too, so that many steps within the margin
            cannot add up; None, or the baseline itself, for no such check.
        interleaved: measure latency now, side by side, where the weights of both are here.
        names: what to call the two; their paths otherwise.

    Returns:
        Its verdict is BROKEN, with the reasons, where the runs cannot be compared; nothing is raised for that.
    """
    called = names or (str(baseline), str(candidate))
    whole: dict[str, Any] = {"baseline": called[0], "candidate": called[1], "policy": policy.table()}
    try:
        pairing = pair_runs(Run(baseline), Run(candidate), policy, systems)
        calibration = calibrate(pairing, policy)
        whole |= {"calibration": calibration, "counts": _counts(pairing)}
        if reasons := refusal(calibration, policy):
            raise GateRefusedError(reasons)
        checks = [*quality_checks(pairing, policy), *tail_checks(pairing, policy)]
        if anchor is not None and Path(anchor).resolve() != Path(baseline).resolve():
            checks += _against_anchor(anchor, pairing, policy)
        checks += latency_checks(pairing, policy, interleaved=interleaved)
    except GateRefusedError as error:
        return GateResult(refusals=error.reasons, **whole)
    except RunError as error:
        return GateResult(refusals=[str(error)], **whole)
    return GateResult(
        checks=corrected(checks, policy.level),
        regressions=regressions(pairing, policy),
        notes=[*pairing.notes, *_calibration_notes(calibration)],
        **whole,
    )


def _against_anchor(anchor: str | Path, pairing: Pairing, policy: Policy) -> list[Check]:
    """The same margins against the first promoted run; quality and tails, since machines change over the years."""
    systems = [f"{system.candidate}={system.baseline}" for system in pairing.systems]
    try:
        against = pair_runs(Run(anchor), pairing.candidate, policy, systems)
    except GateRefusedError as error:
        raise GateRefusedError(
            [
                f"anchor: {reason} (or begin anew with `streamflow baseline promote --new-anchor`)"
                for reason in error.reasons
            ]
        ) from None
    return [*quality_checks(against, policy, "anchor"), *tail_checks(against, policy, "anchor")]


def _counts(pairing: Pairing) -> dict[str, Any]:
    old, new = pairing.baseline.scores(), pairing.candidate.scores()
    return {
        "utterances": len(pairing.utterances),
        "speakers": len({str(u.get("speaker_id", "")) for u in pairing.utterances}),
        "systems": {
            system.name: {"candidate": system.candidate, "baseline": system.baseline} for system in pairing.systems
        },
        "seeds": {
            "baseline": sorted({seed for pair in pairing.systems for seed in decoded_seeds(old, pair.baseline)}),
            "candidate": sorted({seed for pair in pairing.systems for seed in decoded_seeds(new, pair.candidate)}),
        },
    }


def _calibration_notes(calibration: Calibration) -> list[str]:
    if calibration.status == "not possible":
        return ["not calibrated: the baseline has one seed; decode it with several (--seeds 0,1,2) to know the noise"]
    return calibration.warnings

"""Judge latency: ratios to the baseline, measured in one process where the weights of both are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas

from harness.latency import Ratio, interleaved_ratio, playout
from harness.latency.ratio import ratio_of, times_of
from harness.run import Run

from .checks import Check, Verdict
from .pairing import Pairing
from .policy import LatencyRule
from .system_pairs import SystemPair

if TYPE_CHECKING:
    from harness.systems import LoadedSystem
    from streamflow.session import StreamRequest

COLUMNS = {"first_packet_s": "first_packet_s", "rtf": "rtf", "chunk_p50_s": "chunk_p50"}  # ours: of harness.latency
RECORDED = "of two recordings, not of one process"
FEWEST = 2  # of repeats or utterances, for an interval


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process measured, A-B-B-A.

    Attributes:
        ratios: candidate to baseline, by metric.
        repeats: passes.
        underrun_s: seconds of silence in the worst utterance, ``baseline`` and ``candidate``.
    """

    ratios: dict[str, Ratio]
    repeats: int
    underrun_s: dict[str, float] = field(default_factory=dict)


def measure(
    baseline: LoadedSystem, candidate: LoadedSystem, requests: Sequence[StreamRequest], repeats: int = 4
) -> Measured:
    """Decode the requests with both systems in turn, in this process.

    Raises:
        Exception: whatever a session raises.
    """
    from harness.render import render

    underruns: dict[str, list[float]] = {"A": [], "B": []}

    def timed(name: str, system: object, request: StreamRequest) -> Mapping[str, float]:
        rendering = render(name, system, request)
        chunks = rendering.trace
        played = playout(np.array([c.arrived_s for c in chunks]), np.array([c.samples for c in chunks]))
        underruns[name].append(played.underrun_s)
        return times_of(rendering)

    ratios = interleaved_ratio(baseline.open, candidate.open, requests, repeats, measure=timed)
    worst = {side: _worst(underruns[arm], len(requests)) for side, arm in (("baseline", "A"), ("candidate", "B"))}
    return Measured({name: ratios[of] for name, of in COLUMNS.items() if of in ratios}, repeats, worst)


def _worst(underruns: Sequence[float], requests: int) -> float:
    """The worst utterance, by the median of its decodes: a hiccup of the machine is no property of a decoder."""
    passes = np.array(underruns[1:]).reshape(-1, requests, 2)  # without the warm-up
    return float(np.median(passes, axis=(0, 2)).max())


def measured_checks(system: SystemPair, measured: Measured, rule: LatencyRule) -> list[Check]:
    """Checks that decide."""
    checks = [
        _ratio_check(system, name, measured.ratios[name], limit, measured.repeats, must=rule.must)
        for name, limit in rule.ratios.items()
        if name in measured.ratios
    ]
    if rule.underrun_s is not None and measured.underrun_s:
        checks.append(_underrun_check(system, measured.underrun_s, rule.underrun_s, measured.repeats, must=rule.must))
    return checks


def recorded_checks(pairing: Pairing, system: SystemPair, rule: LatencyRule) -> list[Check]:
    """Ratios of what the two runs recorded, utterance by utterance; [] where a run holds no timings.

    They decide only if the policy says so: between two machines they differ by a quarter for no reason at all.
    """
    old, new = _latency(pairing.baseline, system.baseline), _latency(pairing.candidate, system.candidate)
    both = old.add_suffix("_old").join(new.add_suffix("_new"), how="inner")
    must = rule.must if rule.recorded == "gate" else "report"
    note = RECORDED + _machines(pairing)
    checks = []
    for name, limit in rule.ratios.items():
        logs = np.log(both[f"{name}_new"] / both[f"{name}_old"]) if len(both) else pandas.Series(dtype=float)
        logs = logs[np.isfinite(logs)]
        if len(logs):
            checks.append(_ratio_check(system, name, ratio_of(logs.to_numpy()), limit, len(logs), must=must, note=note))
    worst = {"baseline": _recorded_underrun(pairing.baseline, system.baseline)}
    worst["candidate"] = _recorded_underrun(pairing.candidate, system.candidate)
    if rule.underrun_s is not None and None not in worst.values():
        checks.append(_underrun_check(system, worst, rule.underrun_s, len(both), must=must, note=note))
    return checks


def _ratio_check(
    system: SystemPair, name: str, ratio: Ratio, limit: float, n: int, must: str = "pass", note: str = ""
) -> Check:
    verdict: Verdict = "INCONCLUSIVE"
    if ratio.low is not None and ratio.high is not None:
        verdict = "PASS" if ratio.high < limit else "FAIL" if ratio.low > limit else "INCONCLUSIVE"
    return Check(
        kind="latency",
        system=system.name,
        metric=name,
        must=must,
        verdict=verdict,
        estimate=ratio.ratio,
        low=ratio.low,
        high=ratio.high,
        margin=limit,
        unit="times the baseline",
        n=n,
        note="; ".join(filter(None, [note, "" if n >= FEWEST else "measured once: no interval"])),
    )


def _underrun_check(
    system: SystemPair, worst: Mapping[str, float], limit: float, n: int, must: str = "pass", note: str = ""
) -> Check:
    more = worst["candidate"] - worst["baseline"]
    text = f"worst utterance: {worst['baseline']:.3f} s in the baseline, {worst['candidate']:.3f} s in the candidate"
    return Check(
        kind="latency",
        system=system.name,
        metric="underrun_s",
        must=must,
        verdict="FAIL" if more > limit else "PASS",
        estimate=more,
        margin=limit,
        unit="s more",
        n=n,
        note="; ".join(filter(None, [note, text])),
    )


def _latency(run: Run, system: str) -> pandas.DataFrame:
    """Medians over seeds, by utterance."""
    rows = run.latency()
    rows = rows[rows["system"] == system]
    return rows.groupby("utterance")[list(COLUMNS)].median()


def _recorded_underrun(run: Run, system: str) -> float | None:
    rows = run.traces()
    rows = rows[rows["system"] == system].sort_values("index", kind="stable")
    played = [
        (utterance, playout(part["arrived_s"].to_numpy(), part["samples"].to_numpy()).underrun_s)
        for (utterance, _), part in rows.groupby(["utterance", "seed"])
    ]
    if not played:
        return None
    return float(pandas.DataFrame(played).groupby(0)[1].median().max())


def _machines(pairing: Pairing) -> str:
    texts = [
        " ".join(str(hardware.get(key, "")) for key in ("cpu", "cores", "torch_threads"))
        for run in (pairing.baseline, pairing.candidate)
        if (hardware := run.provenance.get("hardware") or {})
    ]
    return ", on machines that differ" if len(set(texts)) > 1 else ""

"""What a gate came to, and everything that is written of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from .calibration import Calibration
from .checks import Check, figure, verdict_of
from .refusal import few
from .tail import Regression

EXIT_CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "BROKEN": 4}
"""2 stays what it is for every command: the command line was wrong."""

MEANING = {
    "PASS": "no worse than the baseline by more than the margins",
    "FAIL": "worse than the baseline",
    "INCONCLUSIVE": "the data cannot tell; nothing was shown to be worse",
    "BROKEN": "the evaluation cannot be trusted; no verdict on the candidate",
}


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """A verdict with its reasons.

    Attributes:
        baseline, candidate: paths of the runs, or the name that was promoted.
        policy: as a table.
        checks: every one, in the order of tables.
        regressions: utterances that fell, the furthest first.
        refusals: why there is no verdict; empty where there is one.
        notes: what a reader should know.
        calibration: of the baseline against itself.
        counts: utterances, speakers, seeds of either run.
        created: UTC, ISO 8601.
    """

    baseline: str
    candidate: str
    policy: Mapping[str, Any]
    checks: Sequence[Check] = ()
    regressions: Sequence[Regression] = ()
    refusals: Sequence[str] = ()
    notes: Sequence[str] = ()
    calibration: Calibration | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def verdict(self) -> str:
        """PASS, FAIL, INCONCLUSIVE or BROKEN."""
        return "BROKEN" if self.refusals or not self.checks else verdict_of(self.checks)

    @property
    def exit_code(self) -> int:
        """0, 1, 3 or 4."""
        return EXIT_CODES[self.verdict]

    @property
    def meaning(self) -> str:
        """The verdict in words; of a PASS also what it does not speak of."""
        unsaid = self._ungated() if self.verdict == "PASS" else []
        return "; ".join([MEANING[self.verdict], *unsaid])

    def _ungated(self) -> list[str]:
        """What of latency could not have held the candidate back: a PASS must not be read as if it had been looked at."""
        systems = {check.system for check in self.checks}
        decided = {check.system for check in self.checks if check.kind == "latency" and check.must != "report"}
        which = f" of {few(sorted(systems - decided))}" if decided else ""
        found = [f"latency{which} was not gated"] if systems - decided else []
        if self.policy.get("chunking") == "any":
            found.append('algorithmic latency was not looked at (chunking = "any")')
        return found

    @property
    def holding(self) -> list[Check]:
        """The checks because of which it does not pass, those that FAIL first."""
        return sorted((check for check in self.checks if check.holds_back), key=lambda check: check.verdict != "FAIL")

    def reasons(self) -> list[str]:
        """Why it does not pass: one line each."""
        return [*self.refusals] or [f"{check.system}: {sentence(check)}" for check in self.holding]

    def content(self) -> dict[str, Any]:
        """``gate.json``."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "meaning": self.meaning,
            "created": self.created,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "counts": dict(self.counts),
            "refusals": list(self.refusals),
            "reasons": self.reasons(),
            "notes": list(self.notes),
            "calibration": self.calibration.row() if self.calibration else None,
            "checks": [check.row() for check in self.checks],
            "regressions": [_finite(asdict(fall)) for fall in self.regressions],
            "policy": dict(self.policy),
        }

    def to_json(self) -> str:
        """``gate.json`` as text; strict JSON, without NaN."""
        return json.dumps(self.content(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    bad = {
        key for key, value in row.items() if isinstance(value, float) and (value != value or abs(value) == float("inf"))
    }
    return {key: None if key in bad else value for key, value in row.items()}


def sentence(check: Check) -> str:
    """A check in words: what was found, against what, and what it means."""
    unit = f" {check.unit}" if check.unit else ""
    more = f"; {check.note}" if check.note else ""
    if check.kind == "rendered":
        return f"{check.name}: {check.estimate:.0f} of {check.n}, {check.margin:.0f} allowed{more}"
    if check.kind == "tail":
        return f"{check.name}: {check.estimate:.0f} of {check.n} {check.unit}, {check.margin:.0f} allowed{more}"
    if check.kind == "latency":
        bounds = "" if check.low is None else f" ({figure(check.low, False)} to {figure(check.high, False)})"
        return (
            f"{check.name} {figure(check.estimate, False)}{bounds}{unit}, limit {check.margin:g}: {check.verdict}{more}"
        )
    bounds = "no interval" if check.low is None else f"{figure(check.low)} to {figure(check.high)}"
    wanted = check.deciding_n
    needed = f"; {wanted} utterances would decide if the difference stays what it is" if wanted else ""
    found = f"{check.name} {figure(check.estimate)}{unit} ({bounds}), margin {check.margin:g}, n {check.n}"
    return f"{found}: {check.verdict}{needed}{more}"

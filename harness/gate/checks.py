"""One thing that a gate looked at, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Kind = Literal["quality", "tail", "rendered", "latency"]
Must = Literal["pass", "not fail", "report"]
WHOLE = "all"  # the part that is every utterance


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A row of the gate's table.

    Attributes:
        kind: ``quality`` (paired differences against a margin), ``tail`` (utterances that fell far), ``rendered``
            (utterances that the candidate failed on), ``latency`` (ratios, seconds of underrun).
        system: name of the pair.
        metric: what was measured.
        part: ``all``, or the slice, such as ``speaker 2136``.
        against: ``baseline``, or ``anchor``: the first promoted run.
        verdict: of this check alone.
        must: ``pass``, ``not fail`` or ``report``: what the gate needs of it.
        estimate: quality: trimmed mean of candidate minus baseline, below 0 is worse; tail and rendered: utterances;
            latency: the ratio, or the seconds more.
        low, high: one-sided bounds of it; None where there are none.
        margin: quality: the tolerable loss; tail and rendered: the utterances allowed; latency: the limit.
        unit: of estimate, bounds and margin.
        n: utterances (latency: repeats or utterances).
        needed_n: utterances at which a candidate as good as the baseline would mostly pass; None where unknown.
        p_fail: that nothing worse than the margin happened; NaN where no test was made.
        p_holm: the same, corrected for every quality check of the gate.
        note: what a reader must know; "" for nothing.
    """

    kind: Kind
    system: str
    metric: str
    verdict: Verdict
    estimate: float
    margin: float
    part: str = WHOLE
    against: str = "baseline"
    must: Must = "pass"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int = 0
    needed_n: int | None = None
    p_fail: float = math.nan
    p_holm: float = math.nan
    note: str = ""

    @property
    def holds_back(self) -> bool:
        """Whether the gate cannot pass because of it."""
        return {"pass": self.verdict != "PASS", "not fail": self.verdict == "FAIL", "report": False}[self.must]

    @property
    def deciding_n(self) -> int | None:
        """Utterances at which an undecided difference would be decided if it stayed what it is; None where unknown.

        Bounds close in with the root of the number: ``n (half width / distance to the margin)^2``.
        """
        if self.kind != "quality" or self.verdict != "INCONCLUSIVE" or self.low is None:
            return None
        distance = abs(self.estimate + self.margin)
        if distance < 1e-3 * self.margin:
            return None  # at the margin no number decides
        wanted = math.ceil(self.n * ((self.estimate - self.low) / distance) ** 2)
        return wanted if wanted > self.n else None

    @property
    def name(self) -> str:
        """As files of results call it: ``pesq_wb [speaker 2136]``."""
        what = f"{self.metric} tail" if self.kind == "tail" else self.metric
        where = "" if self.part == WHOLE else f" [{self.part}]"
        return f"{what}{where}" + ("" if self.against == "baseline" else f" against the {self.against}")

    def row(self) -> dict[str, Any]:
        """For JSON: NaN becomes None."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Of a gate: FAIL where a check fails that may not, INCONCLUSIVE where one cannot decide that must pass."""
    holding = {check.verdict for check in checks if check.holds_back}
    return "FAIL" if "FAIL" in holding else "INCONCLUSIVE" if holding else "PASS"


def figure(value: float | None, signed: bool = True) -> str:
    """Three significant digits, a true minus sign, a dash for nothing."""
    if value is None or value != value:
        return "–"
    text = f"{value:+.3g}" if signed else f"{value:.3g}"
    return "0" if float(text) == 0 else text.replace("-", "−")

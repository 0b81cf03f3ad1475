"""What the comparison with the baseline says, in words: one verdict a system, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.comparison import Comparison, MetricColumn
from reports.formatting import count, decimals_for, interval, join, number, significant

MOST_NAMED = 4  # metrics told with their numbers; of more, the largest effects
BETTER, WORSE, EQUIVALENT, OPEN, FEW = "better", "worse", "equivalent", "not told apart", "too few"
DIFFERENT = "different"  # of a metric that has no better


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of ``compare_systems`` with its metric; differences are system − baseline, NaN where there is none."""

    system: str
    metric: MetricColumn
    n: int
    speakers: int
    estimator: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    d_z: float
    d_z_low: float
    d_z_high: float
    mdd: float
    margin: float
    word: str
    because: str = ""

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def decimals(self) -> int:
        """As many as its own interval warrants."""
        return decimals_for([(self.high - self.low) / 2], most=5) if self.has_interval else 3

    @property
    def told(self) -> str:
        """``pesq_wb −0.12 (−0.18 to −0.07)``."""
        text = f"{self.metric.name} {number(self.difference, self.decimals, signed=True)}"
        return f"{text} ({interval(self.low, self.high, self.decimals, signed=True)})" if self.has_interval else text


@dataclass(frozen=True, slots=True)
class Overview:
    """A system with its verdict in a word or two and the sentences that it rests on."""

    system: str
    slot: int
    title: str
    tone: str
    sentences: list[str]


def verdicts_of(comparison: Comparison) -> dict[tuple[str, str], Verdict]:
    """By (system, metric identity), in the order of systems and metrics."""
    by_identity = {metric.identity: metric for metric in comparison.metrics}
    rows = {(str(row["system"]), str(row["identity"])): row for row in comparison.verdicts.to_dict("records")}
    found = {}
    for system in comparison.others:
        for identity, metric in by_identity.items():
            row = rows.get((system, identity))
            if row is not None:
                found[system, identity] = _verdict(row, metric)
    return found


def overviews(comparison: Comparison) -> list[Overview]:
    """One a system other than the baseline, decoders before controls."""
    found = verdicts_of(comparison)
    return [
        _overview(comparison, system, [v for v in found.values() if v.system == system]) for system in comparison.others
    ]


def family(comparison: Comparison) -> str:
    """Over what p values were corrected, as the comparison declares it."""
    declared = comparison.verdicts.attrs.get("family")
    if isinstance(declared, str) and declared:
        return declared
    systems, metrics = len(comparison.others), len(comparison.metrics)
    return f"{count(systems, 'system')} × {count(metrics, 'metric')} against {comparison.baseline}"


def note(comparison: Comparison) -> str:
    """What a reader of the verdicts needs to know."""
    return (
        f"Verdicts at 0.05 after Holm over one family: {family(comparison)}; metrics without a better, and controls, are "
        "families of their own. In brackets behind a difference its 95 % interval, uncorrected; behind a metric that was "
        "not told apart the smallest difference that would be found 4 times of 5, correction included: not told apart "
        "does not show that two are alike."
    )


def _verdict(row: dict, metric: MetricColumn) -> Verdict:
    def value(name: str) -> float:
        found = row.get(name)
        return math.nan if found is None else float(found)

    numbers = ("difference", "low", "high", "p", "p_holm", "d_z", "d_z_low", "d_z_high", "mdd", "margin")
    return Verdict(
        system=str(row["system"]),
        metric=metric,
        n=int(row["n"]),
        speakers=int(row["speakers"]),
        estimator=str(row["estimator"]),
        word=str(row["verdict"]),
        because=str(row.get("because") or ""),
        **{name: value(name) for name in numbers},
    )


def _overview(comparison: Comparison, system: str, verdicts: list[Verdict]) -> Overview:
    judged = [v for v in verdicts if v.metric.direction]
    by_word = {word: [v for v in judged if v.word == word] for word in (WORSE, BETTER, EQUIVALENT, OPEN, FEW)}
    title, tone = _title(by_word)
    sentences = []
    if by_word[WORSE]:
        sentences.append(f"Worse in {_named(by_word[WORSE])}.")
    if by_word[BETTER]:
        sentences.append(f"Better in {_named(by_word[BETTER])}.")
    if by_word[EQUIVALENT]:
        within = [f"{v.metric.name} (±{number(v.margin, significant([v.margin], 1))})" for v in by_word[EQUIVALENT]]
        sentences.append(f"As good within the margin in {join(within)}.")
    if by_word[OPEN]:
        sentences.append(_not_told(by_word[OPEN]))
    if by_word[FEW]:
        sentences += _without_verdict(by_word[FEW])
    different = [v for v in verdicts if v.word == DIFFERENT]
    if different:
        sentences.append(f"Different, where no metric says what is better, in {_named(different)}.")
    if not judged:
        sentences.append("No metric was had of both.")
    failed = len(comparison.failed(system))
    if failed:
        sentences.append(f"{count(failed, 'rendering')} failed and {'is' if failed == 1 else 'are'} not in these.")
    return Overview(system, comparison.appearance[system].slot, title, tone, sentences)


def _title(by_word: dict[str, list[Verdict]]) -> tuple[str, str]:
    """The verdict in a few words, and its tone."""
    total = sum(map(len, by_word.values()))
    of = f"of {count(total, 'metric')}"
    worse, better = len(by_word[WORSE]), len(by_word[BETTER])
    if worse and better:
        return f"worse in {worse}, better in {better} {of}", "mixed"
    if worse:
        return f"worse in {worse} {of}", "worse"
    if better:
        return f"better in {better} {of}", "better"
    if total and len(by_word[EQUIVALENT]) == total:
        return "as good in every metric", "same"
    if by_word[EQUIVALENT]:
        return f"as good in {len(by_word[EQUIVALENT])} {of}, told apart in none", "same"
    if by_word[OPEN]:
        return f"told apart in none {of}", ""
    return "no verdict", ""


def _named(verdicts: list[Verdict]) -> str:
    """The largest effects with their numbers, the others counted."""
    ranked = sorted(verdicts, key=lambda v: -abs(v.d_z) if math.isfinite(v.d_z) else 0.0)
    told = [v.told for v in ranked[:MOST_NAMED]]
    rest = [v.metric.name for v in ranked[MOST_NAMED:]]
    return f"{', '.join(told)}, and in {join(rest)}" if rest else join(told)


def _without_verdict(verdicts: list[Verdict]) -> list[str]:
    """Metrics by why there is no verdict."""
    reasons = dict.fromkeys(verdict.because for verdict in verdicts)
    return [
        f"No verdict in {join(v.metric.name for v in verdicts if v.because == why)}: {why or 'too few utterances'}."
        for why in reasons
    ]


def _not_told(verdicts: list[Verdict]) -> str:
    """A null result says what it could have seen."""
    could = [
        f"{v.metric.name} (±{number(v.mdd, v.decimals)})" if math.isfinite(v.mdd) else v.metric.name for v in verdicts
    ]
    return f"Not told apart in {join(could)}."

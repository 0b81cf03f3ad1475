"""Paired differences of a sweep's points, corrected for how many there are: a sweep is a search, and searches find noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pandas as pd

from harness.statistics import compare_systems, holm, paired_difference, paired_utterances, speaker_clusters, trim_of
from harness.sweep import SweptRun
from reports.comparison import Comparison, MetricColumn
from reports.formatting import count, decimals_for, join, number

LEVEL = 0.95
NAMED = 6  # differences that the sentence names


@dataclass(frozen=True)
class Difference:
    """One system against what it is compared with, in one metric.

    ``low`` and ``high`` hold for all differences of the sweep at once (Bonferroni); ``verdict`` is by Holm's method over
    all of them: better, worse, not told apart, or too few.
    """

    system: str
    against: str
    metric: MetricColumn
    difference: float
    low: float
    high: float
    n: int
    p_holm: float
    verdict: str
    decimals: int = 3

    @property
    def is_told(self) -> bool:
        """Whether it is told from noise."""
        return self.verdict in ("better", "worse")


def against(swept: SweptRun) -> dict[str, str]:
    """By system: what it is compared with, the baseline or its strategy's default; not those themselves."""
    base = {s: swept.baseline or swept.defaults[strategy] for s, strategy in swept.systems.items()}
    return {system: other for system, other in base.items() if system != other}


def differences(comparison: Comparison, swept: SweptRun) -> list[Difference]:
    """Every system in every metric that has a better; the family of tests is all of them."""
    metrics = {metric.identity: metric for metric in comparison.metrics if metric.direction}
    scores = comparison.all_scores[comparison.all_scores["identity"].isin(metrics)]
    scored, pairs = set(scores["system"]), against(swept)
    tables = []
    for base in dict.fromkeys(pairs.values()):
        systems = [s for s, other in pairs.items() if other == base and s in scored]
        if base in scored and systems:
            tables.append(compare_systems(scores, base, systems=systems, level=LEVEL))
    tables = [table for table in tables if len(table)]
    if not tables:
        return []
    table = pd.concat(tables, ignore_index=True)
    table["p_holm"] = holm(table["p"])
    tests = max(1, int(table["p"].notna().sum()))
    found = [_difference(row, metrics, scores, tests) for row in table.to_dict("records")]
    return [_rounded(row, found) for row in found]


def _difference(row: dict, metrics: dict[str, MetricColumn], scores: pd.DataFrame, tests: int) -> Difference:
    metric = metrics[row["identity"]]
    low = high = math.nan
    if row["n"]:
        of = scores[scores["identity"] == metric.identity]
        both = paired_utterances(of, row["system"], row["baseline"])
        _, low, high = paired_difference(
            both["candidate"], both["baseline"], speaker_clusters(both["speaker"]), 1 - (1 - LEVEL) / tests,
            trim_of(str(row["metric"])),
        )  # fmt: skip
    return Difference(
        system=row["system"],
        against=row["baseline"],
        metric=metric,
        difference=row["difference"],
        low=math.nan if low is None else low,
        high=math.nan if high is None else high,
        n=row["n"],
        p_holm=row["p_holm"],
        verdict=_verdict(row),
    )


def _verdict(row: dict) -> str:
    if row["verdict"] == "too few" or math.isnan(row["p_holm"]):
        return "too few"
    if row["p_holm"] > 1 - LEVEL:
        return "not told apart"
    return "better" if (row["difference"] > 0) == (row["direction"] == "higher") else "worse"


def _rounded(row: Difference, rows: list[Difference]) -> Difference:
    """With as many digits as all of its metric warrant."""
    widths = [(other.high - other.low) / 2 for other in rows if other.metric is row.metric]
    return replace(row, decimals=decimals_for(widths))


def said(rows: list[Difference], swept: SweptRun) -> str:
    """What the differences come to, in a sentence."""
    tests = [row for row in rows if not math.isnan(row.p_holm)]
    if not tests:
        return "Too few utterances to tell any difference from noise: six are needed, of two speakers or more."
    base = swept.baseline or "the strategy's default"
    found = sorted((row for row in tests if row.is_told), key=lambda row: row.p_holm)
    family = f"{count(len(tests), 'paired difference')} to {base}, corrected together by Holm's method"
    if not found:
        return f"Of {family}, none is told from noise: where a line seems to rise or fall, it may do so by chance."
    named = [
        f"{row.system} is {row.verdict} in {row.metric.name} ({number(row.difference, row.decimals, signed=True)})"
        for row in found[:NAMED]
    ]
    more = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
    verb = "is" if len(found) == 1 else "are"
    return f"Of {family}, {len(found)} {verb} told from noise: {join(named)}{more}."

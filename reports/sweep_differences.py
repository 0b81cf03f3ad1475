"""Paired differences of a sweep's points, corrected for how many there are: a sweep is a search, and searches find noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.statistics import compare_systems, holm, paired_difference, paired_utterances, speaker_clusters, trim_of
from harness.sweep import SweptRun
from reports.comparison import Comparison, MetricColumn
from reports.formatting import count, decimals_for, number
from reports.sweep_lines import named

LEVEL = 0.95
NAMED = 6  # differences that the sentence names


@dataclass(frozen=True)
class Difference:
    """One system against what it is compared with, in one metric.

    ``low`` and ``high`` hold for all differences of the run's sweeps at once (Bonferroni); ``verdict`` is by Holm's
    method over all of them: better, worse, not told apart, or too few.
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


def differences(comparison: Comparison, sweeps: Sequence[SweptRun]) -> list[Difference]:
    """Every system of a run's sweeps in every metric that has a better, each once; the family of tests is all of them."""
    metrics = {metric.identity: metric for metric in comparison.metrics if metric.direction}
    scores = comparison.all_scores[comparison.all_scores["identity"].isin(metrics)]
    scored = set(scores["system"])
    pairs = dict.fromkeys((base, system) for swept in sweeps for system, base in against(swept).items())
    tables = []
    for base in dict.fromkeys(base for base, _ in pairs):
        systems = [system for other, system in pairs if other == base and system in scored]
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


def of_sweep(rows: Sequence[Difference], swept: SweptRun) -> list[Difference]:
    """The differences that one sweep of the run is about, in the order of its systems."""
    pairs = against(swept)
    order = list(swept.systems)
    mine = [row for row in rows if pairs.get(row.system) == row.against]
    return sorted(mine, key=lambda row: order.index(row.system))


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
    return replace(row, decimals=min(4, 1 + decimals_for(widths)))


def said(rows: Sequence[Difference], swept: SweptRun, family: int) -> str:
    """What the differences of a sweep come to, in a sentence.

    Args:
        rows: of the sweep.
        swept: the sweep.
        family: tests that p was corrected over, those of the run's other sweeps included.
    """
    tests = [row for row in rows if not math.isnan(row.p_holm)]
    if not tests:
        return "Too few utterances to tell any difference from noise: six are needed, of two speakers or more."
    base = swept.baseline or "the strategy's default"
    found = sorted((row for row in tests if row.is_told), key=lambda row: row.p_holm)
    more = f" with those of the run's other sweeps ({family} in all)" if family > len(tests) else ""
    about = f"{count(len(tests), 'paired difference')} to {base}, corrected together{more} by Holm's method"
    if not found:
        return f"Of {about}, none is told from noise: where a line seems to rise or fall, it may do so by chance."
    found_named = [
        f"{named(swept, row.system)} is {row.verdict} in {row.metric.name} "
        f"({number(row.difference, row.decimals, signed=True)})"
        for row in found[:NAMED]
    ]
    rest = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    verb = "is" if len(found) == 1 else "are"
    return f"Of {about}, {len(found)} {verb} told from noise: {'; '.join(found_named)}{rest}."

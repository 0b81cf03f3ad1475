"""The tables: systems by metrics, paired differences, chunk latency, failures. Words and numbers, no markup."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from reports.comparison import EVERY_SYSTEM, Comparison, MetricColumn
from reports.estimates import Estimate, mean
from reports.formatting import count, decimals_for, interval, number, seconds, significant
from reports.verdicts import Verdict, verdicts_of


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what stands small under it."""

    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, what qualifies it, and a warning; ``tone`` is "", "worse", "better", "same" or "absent".

    ``value``, ``low``, ``high`` and ``n`` are what was rounded: tables are sorted by them, and exports hold them.
    """

    text: str
    note: str = ""
    warning: str = ""
    tone: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(slots=True)
class Row:
    """A system (or any other thing) with its cells."""

    label: str
    cells: list[Cell]
    slot: int | None = None
    note: str = ""


@dataclass(slots=True)
class Table:
    """``caption`` says what a reader needs to read it."""

    caption: str
    first: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)


def decimals_of(comparison: Comparison) -> dict[str, int]:
    """Digits after the point for each metric identity, the same in every table and player."""
    found = {}
    for metric in comparison.metrics:
        estimates = [comparison.estimate(system, metric) for system in comparison.systems]
        for_means = significant(estimate.mean for estimate in estimates)
        found[metric.identity] = max(for_means, decimals_for(estimate.half_width for estimate in estimates))
    return found


def main_table(
    comparison: Comparison,
    decimals: dict[str, int],
    metrics: list[MetricColumn] | None = None,
    *,
    waiting: bool = True,
) -> Table:
    """One row a system: the mean of each metric with its interval, then what the system makes a listener wait.

    ``metrics`` are all by default. What a run holds no timing for has no columns of waiting.
    """
    metrics = comparison.metrics if metrics is None else metrics
    waiting = waiting and not comparison.latency.empty
    columns = [_metric_column(comparison, metric, decimals) for metric in metrics]
    if waiting:
        columns += WAITING
    clustered = "clustered by speaker" if len(set(comparison.speaker_of.values())) > 1 else "of one speaker"
    table = Table(
        f"Mean over {count(len(comparison.utterances), 'utterance')}, or n where some have no value; below it the 95 % "
        f"confidence interval, {clustered}.",
        "system",
        columns,
    )
    if any(comparison.ceiling(metric) for metric in metrics):
        table.caption += " Ceiling: what another recording of the same speaker reaches."
    for system in comparison.systems:
        cells = [_metric_cell(comparison, system, metric, decimals[metric.identity]) for metric in metrics]
        cells += _waiting_cells(comparison, system) if waiting else []
        table.rows.append(_row(comparison, system, cells))
    return table


def waiting_table(comparison: Comparison) -> Table | None:
    """What each system makes a listener wait; None where nothing was timed."""
    if comparison.latency.empty:
        return None
    table = Table("Means over utterances with 95 % confidence intervals.", "system", list(WAITING))
    for system in comparison.systems:
        table.rows.append(_row(comparison, system, _waiting_cells(comparison, system)))
    return table


def difference_table(
    comparison: Comparison, decimals: dict[str, int], metrics: list[MetricColumn] | None = None
) -> Table | None:
    """Paired differences of every system to the baseline; None where there is nothing to compare."""
    if comparison.baseline is None:
        return None
    metrics = comparison.metrics if metrics is None else metrics
    found = verdicts_of(comparison)
    table = Table(
        f"Paired difference (system − {comparison.baseline}) over the utterances that both have, its 95 % confidence "
        "interval, and p after Holm. ▼ worse, ▲ better, ≠ different where the metric has no better, ≈ equivalent within "
        "the margin, each with its share of the baseline's mean; otherwise not told apart, and ± is the smallest "
        "difference that would be found 4 times of 5, correction included.",
        "system",
        [_metric_column(comparison, metric) for metric in metrics],
    )
    for system in comparison.others:
        cells = []
        for metric in metrics:
            base = comparison.estimate(comparison.baseline, metric).mean
            cells.append(_difference_cell(found.get((system, metric.identity)), base, decimals[metric.identity]))
        table.rows.append(_row(comparison, system, cells))
    return table


def failure_table(comparison: Comparison) -> Table | None:
    """Every failure of the run; None where nothing failed."""
    if comparison.failures.empty:
        return None
    table = Table("What could not be decoded or scored, and why.", "system", [Column(c) for c in _FAILURE_COLUMNS])
    for _, failure in comparison.failures.iterrows():
        system = str(failure["system"])
        look = comparison.appearance.get(system)
        cells = [Cell(str(failure[column])) for column in _FAILURE_COLUMNS]
        name = "every system" if system == EVERY_SYSTEM else system
        table.rows.append(Row(name, cells, look.slot if look else None))
    return table


def identity_table(comparison: Comparison) -> Table:
    """What each metric is: unit, direction, source, and the identity that its values are comparable under."""
    table = Table(
        "Values are comparable under one identity only: implementation, version and parameters.",
        "metric",
        [Column("unit"), Column("better"), Column("source"), Column("identity")],
    )
    for metric in comparison.metrics:
        told = (metric.unit or "1", metric.direction or "neither", metric.source or "not known", metric.identity)
        table.rows.append(Row(metric.name, [Cell(text) for text in told]))
    return table


def unscored_table(comparison: Comparison, most_named: int = 5) -> Table | None:
    """Unscored values by system, metric and reason; None where everything was scored."""
    if comparison.unscored.empty:
        return None
    table = Table(
        "An unscored value is left out of means and intervals; it never counts as 0.",
        "system",
        [Column("metric"), Column("reason"), Column("utterances")],
    )
    for (system, metric, reason), rows in comparison.unscored.groupby(
        ["system", "metric", "unscored_because"], sort=False
    ):
        names = list(dict.fromkeys(rows["utterance"].astype(str)))
        more = f" and {len(names) - most_named} more" if len(names) > most_named else ""
        look = comparison.appearance.get(str(system))
        cells = [Cell(str(metric)), Cell(str(reason)), Cell(str(len(names)), ", ".join(names[:most_named]) + more)]
        table.rows.append(Row(str(system), cells, look.slot if look else None))
    return table


WAITING = [
    Column("algorithmic latency ↓", "to begin; without a pause"),
    Column("first packet ↓", "compute, mean"),
    Column("real-time factor ↓", "compute / audio"),
    Column("peak memory ↓", "MB, largest"),
]
_FAILURE_COLUMNS = ("utterance", "stage", "error")


def _row(comparison: Comparison, system: str, cells: list[Cell]) -> Row:
    failed = len(comparison.failed(system))
    notes = ["control"] if system in comparison.controls else []
    notes += [f"{failed} failed"] if failed else []
    return Row(system, cells, comparison.appearance[system].slot, ", ".join(notes))


def _metric_column(comparison: Comparison, metric: MetricColumn, decimals: dict[str, int] | None = None) -> Column:
    notes = [] if metric.unit in ("", "1") else [metric.unit]
    ceiling = comparison.ceiling(metric) if decimals is not None else None
    if ceiling:
        notes.append(f"ceiling {number(ceiling.mean, decimals[metric.identity])}")
    return Column(f"{metric.name} {metric.arrow}".strip(), ", ".join(notes))


def _metric_cell(comparison: Comparison, system: str, metric: MetricColumn, decimals: int) -> Cell:
    estimate = comparison.estimate(system, metric)
    unscored = comparison.unscored_count(system, metric)
    warning = f"{unscored} unscored" if unscored else ""
    if not estimate.n:
        return _absent("unscored" if unscored else "no scores", warning)
    n = "" if estimate.n == len(comparison.utterances) else f"n {estimate.n}"
    n = ", ".join(filter(None, [n, warning]))  # in one seed is enough to be told of
    return _estimated(estimate, number(estimate.mean, decimals), _interval(estimate, decimals), n)


def _difference_cell(verdict: Verdict | None, base: float, decimals: int) -> Cell:
    if verdict is None or not math.isfinite(verdict.difference):
        return _absent("no pairs")
    finer = max(decimals, min(verdict.decimals, decimals + 1)) if verdict.has_interval else decimals
    tone = {"better": "better", "worse": "worse", "equivalent": "same"}.get(verdict.word, "")
    mark = " ≠" if verdict.word == "different" else {"better": " ▲", "worse": " ▼", "same": " ≈"}.get(tone, "")
    span = interval(verdict.low, verdict.high, finer, signed=True) if verdict.has_interval else "no interval"
    if verdict.word == "too few":
        qualified = f"too few: n {verdict.n}"
    elif not mark and math.isfinite(verdict.mdd):
        qualified = f"p {p_text(verdict.p_holm)} · ±{number(verdict.mdd, finer)}"
    else:
        share = _share(verdict.difference, base)
        qualified = f"p {p_text(verdict.p_holm)}{share and ' · '}{share}"
    return Cell(
        f"{number(verdict.difference, finer, signed=True)}{mark}",
        span,
        qualified,
        tone,
        value=verdict.difference,
        low=verdict.low if verdict.has_interval else None,
        high=verdict.high if verdict.has_interval else None,
        n=verdict.n,
    )


def _share(difference: float, base: float) -> str:
    return f"{number(100 * difference / abs(base), 1, signed=True)} %" if base and math.isfinite(base) else ""


def p_text(p: float) -> str:
    """``0.012``, ``< 0.001``, or a dash where no test could be made."""
    if not math.isfinite(p):
        return "\u2014"
    return "< 0.001" if p < 0.001 else number(p, 3 if p < 0.1 else 2)


def _waiting_cells(comparison: Comparison, system: str) -> list[Cell]:
    rows = comparison.latency[comparison.latency["system"] == system]
    if rows.empty:
        return [_absent() for _ in WAITING]
    ahead, pauseless = comparison.algorithmic_latency(system), comparison.pauseless_latency(system)
    on = seconds(pauseless) if math.isfinite(pauseless) else ""
    means = rows.groupby("utterance", sort=False)[["first_packet_s", "rtf"]].mean()  # over seeds
    clusters = comparison.clusters(means.index)
    first = mean(means["first_packet_s"].to_numpy(), clusters)
    factor = mean(means["rtf"].to_numpy(), clusters)
    memory = float(pd.to_numeric(rows["peak_memory_mb"], errors="coerce").max())
    return [
        Cell(seconds(ahead), on, value=ahead) if math.isfinite(ahead) else Cell("whole utterance", tone="absent"),
        _estimated(first, seconds(first.mean), _span(first)),
        _estimated(factor, number(factor.mean, 3), _interval(factor, 3)),
        Cell(number(memory, 0), value=memory) if math.isfinite(memory) else _absent(),
    ]


def _estimated(estimate: Estimate, text: str, note: str, warning: str = "") -> Cell:
    low, high = (estimate.low, estimate.high) if estimate.has_interval else (None, None)
    return Cell(text, note, warning, value=estimate.mean, low=low, high=high, n=estimate.n)


def _span(estimate: Estimate) -> str:
    return f"{seconds(estimate.low)} to {seconds(estimate.high)}" if estimate.has_interval else "no interval"


def _interval(estimate: Estimate, decimals: int, signed: bool = False) -> str:
    return interval(estimate.low, estimate.high, decimals, signed) if estimate.has_interval else "no interval"


def _absent(text: str = "\u2014", warning: str = "") -> Cell:
    return Cell(text, "", warning, "absent")

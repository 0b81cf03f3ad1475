"""The tables: systems by metrics, paired differences, chunk latency, failures. Words and numbers, no markup."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from reports.comparison import EVERY_SYSTEM, UPPER_BOUND, Comparison, MetricColumn
from reports.estimates import Estimate, mean
from reports.formatting import count, decimals_for, interval, number, seconds, significant
from reports.timing import growth, time_split


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what stands small under it."""

    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, what qualifies it, and a warning; ``tone`` is "", "worse", "better" or "absent"."""

    text: str
    note: str = ""
    warning: str = ""
    tone: str = ""


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


def main_table(comparison: Comparison, decimals: dict[str, int]) -> Table:
    """One row a system: every metric's mean with its interval, then what the system makes a listener wait."""
    columns = [Column(f"{m.name} {m.arrow}".strip(), "" if m.unit in ("", "1") else m.unit) for m in comparison.metrics]
    columns += [
        Column("algorithmic latency ↓", "audio needed before"),
        Column("first packet ↓", "compute, mean"),
        Column("real-time factor ↓", "compute / audio"),
        Column("peak memory ↓", "MB, largest"),
    ]
    clustered = "clustered by speaker" if len(set(comparison.speaker_of.values())) > 1 else "of one speaker"
    table = Table(
        f"Mean over utterances; below it the 95 % confidence interval, {clustered}, and the number of utterances.",
        "system",
        columns,
    )
    for system in comparison.systems:
        cells = [_metric_cell(comparison, system, metric, decimals[metric.identity]) for metric in comparison.metrics]
        cells += _waiting_cells(comparison, system)
        table.rows.append(_row(comparison, system, cells))
    return table


def difference_table(comparison: Comparison, decimals: dict[str, int], other: str = UPPER_BOUND) -> Table | None:
    """Paired differences of every system to ``other``; None where the run has no ``other`` or nothing beside it."""
    rest = [system for system in comparison.systems if system != other]
    if other not in comparison.systems or not rest:
        return None
    table = Table(
        f"Mean of (system − {other}) over the utterances that both have, with its 95 % confidence interval. "
        "▼ worse and ▲ better where the interval excludes zero; no correction for the number of comparisons.",
        "system",
        [Column(f"{m.name} {m.arrow}".strip(), "" if m.unit in ("", "1") else m.unit) for m in comparison.metrics],
    )
    for system in rest:
        cells = []
        for metric in comparison.metrics:
            difference = comparison.difference(system, other, metric)
            base = comparison.estimate(other, metric).mean
            cells.append(_difference_cell(difference, base, metric, decimals[metric.identity]))
        table.rows.append(_row(comparison, system, cells))
    return table


def chunk_table(comparison: Comparison) -> Table:
    """Per-chunk latency, how it grows along an utterance, and where the time goes."""
    table = Table(
        "Growth is the median chunk compute time in the last quarter of an utterance over that in its first quarter, "
        "full-sized chunks only, the median over utterances; 1.00 is flat.",
        "system",
        [
            Column("chunk latency", "median of medians"),
            Column("95th percentile", "median over utterances"),
            Column("growth", "last / first quarter"),
            Column("DiT", "s per s of audio"),
            Column("vocoder", "s per s of audio"),
            Column("rest", "s per s of audio"),
        ],
    )
    for system in comparison.systems:
        rows = comparison.latency[comparison.latency["system"] == system]
        cells = [Cell(seconds(float(rows[c].median()))) if len(rows) else _absent() for c in _CHUNK_COLUMNS]
        grown = growth(comparison, system) if comparison.streams(system) else None
        if grown:
            told = f"{count(grown.utterances, 'utterance')}, to {seconds(grown.longest_s)}"
            cells.append(Cell(number(grown.ratio), told))
        else:
            cells.append(_absent("too few chunks" if comparison.streams(system) else "one chunk"))
        split = time_split(comparison, system)
        cells += [Cell(number(split[part], 3)) if split else _absent() for part in ("DiT", "vocoder", "rest")]
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


_FAILURE_COLUMNS = ("utterance", "stage", "error")
_CHUNK_COLUMNS = ("chunk_p50_s", "chunk_p95_s")


def _row(comparison: Comparison, system: str, cells: list[Cell]) -> Row:
    failed = len(comparison.failed(system))
    notes = ["control"] if system in comparison.controls else []
    notes += [f"{failed} failed"] if failed else []
    return Row(system, cells, comparison.appearance[system].slot, ", ".join(notes))


def _metric_cell(comparison: Comparison, system: str, metric: MetricColumn, decimals: int) -> Cell:
    estimate = comparison.estimate(system, metric)
    unscored = comparison.unscored_count(system, metric)
    warning = f"{unscored} unscored" if unscored else ""
    if not estimate.n:
        return _absent("unscored" if unscored else "no scores", warning)
    return Cell(
        number(estimate.mean, decimals), _interval(estimate, decimals), f"n {estimate.n}{warning and ', '}{warning}"
    )


def _difference_cell(difference: Estimate, base: float, metric: MetricColumn, decimals: int) -> Cell:
    if not difference.n:
        return _absent("no pairs")
    finer = decimals_for([difference.half_width], most=4) if difference.has_interval else decimals
    finer = max(decimals, min(finer, decimals + 1))
    share = f"{number(100 * difference.mean / abs(base), 1, signed=True)} % · " if base and math.isfinite(base) else ""
    tone = ""
    if difference.excludes_zero and metric.direction:
        tone = "better" if (difference.mean > 0) == (metric.direction == "higher") else "worse"
    mark = {"better": " ▲", "worse": " ▼"}.get(tone, "")
    note = f"{_interval(difference, finer, signed=True)}"
    return Cell(f"{number(difference.mean, finer, signed=True)}{mark}", note, f"{share}n {difference.n}", tone)


def _waiting_cells(comparison: Comparison, system: str) -> list[Cell]:
    rows = comparison.latency[comparison.latency["system"] == system]
    if rows.empty:
        return [_absent() for _ in range(4)]
    ahead = comparison.algorithmic_latency(system)
    clusters = comparison.clusters(pd.Index(rows["utterance"]))
    first = mean(rows["first_packet_s"].to_numpy(), clusters)
    factor = mean(rows["rtf"].to_numpy(), clusters)
    memory = pd.to_numeric(rows["peak_memory_mb"], errors="coerce").max()
    return [
        Cell(seconds(ahead)) if math.isfinite(ahead) else Cell("whole utterance", tone="absent"),
        Cell(seconds(first.mean), _span(first)),
        Cell(number(factor.mean, 3), _interval(factor, 3)),
        Cell(number(float(memory), 0)),
    ]


def _span(estimate: Estimate) -> str:
    return f"{seconds(estimate.low)} to {seconds(estimate.high)}" if estimate.has_interval else "no interval"


def _interval(estimate: Estimate, decimals: int, signed: bool = False) -> str:
    return interval(estimate.low, estimate.high, decimals, signed) if estimate.has_interval else "no interval"


def _absent(text: str = "\u2014", warning: str = "") -> Cell:
    return Cell(text, "", warning, "absent")

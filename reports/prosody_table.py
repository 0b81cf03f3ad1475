"""The tables of prosody: every F0 metric by system, and how F0 jumps at the seams."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from harness.prosody import HEARD_CENTS
from reports.comparison import Comparison, MetricColumn
from reports.estimates import Estimate, mean
from reports.formatting import count, decimals_for, interval, number, significant
from reports.tables import Cell, Column, Row, Table

PROSODY = (
    "f0_median_cents", "gross_pitch_error", "voicing_error", "f0_frame_error", "f0_correlation", "f0_range_ratio",
    "f0_declination", "f0_rmse_cents",
)  # fmt: skip
"""The median first: it is what tells systems apart; RMSE last, since octave errors of the tracker dominate it."""


@dataclass(frozen=True, slots=True)
class Jumps:
    """What F0 does at a system's seams. Cents; estimates are of means over utterances of means over seams."""

    system: str
    here: Estimate  # size of the jump, whichever way
    reference: Estimate  # the same places of the recording
    excess: Estimate  # here minus reference, seam by seam
    seams: int  # with F0 on both sides in both
    heard: int  # of them with a jump that a listener could notice
    by_utterance: pd.Series  # mean size of the jump


def prosody_metrics(comparison: Comparison) -> list[MetricColumn]:
    """The prosody metrics that the run holds, the telling ones first; one column for each identity."""
    names = {identity: name for identity, name in _names(comparison).items() if name in PROSODY}
    found = [metric for metric in comparison.metrics if metric.identity in names]
    return sorted(found, key=lambda metric: PROSODY.index(names[metric.identity]))


def _names(comparison: Comparison) -> dict[str, str]:
    rows = comparison.all_scores.drop_duplicates("identity")
    return dict(zip(rows["identity"].astype(str), rows["metric"].astype(str), strict=True))


def prosody_table(comparison: Comparison) -> Table | None:
    """One row a system, every prosody metric with its interval; None where none was measured."""
    metrics = prosody_metrics(comparison)
    if not metrics:
        return None
    table = Table(
        "Mean over utterances; below it the 95 % confidence interval and the number of utterances. Cents, range and "
        "correlation are over frames voiced in both; a gross error is one of more than 20 %. Range is 1 and "
        "declination 0 where the melody is the reference's; declination is positive where F0 falls less.",
        "system",
        [Column(f"{metric.name} {metric.arrow}".strip(), _unit(metric)) for metric in metrics],
    )
    estimates = {metric.identity: {s: comparison.estimate(s, metric) for s in comparison.systems} for metric in metrics}
    digits = {identity: _decimals(of.values()) for identity, of in estimates.items()}
    for system in comparison.systems:
        cells = []
        for metric in metrics:
            unscored = comparison.unscored_count(system, metric)
            cell = estimate_cell(estimates[metric.identity][system], digits[metric.identity])
            warning = ", ".join(part for part in (cell.warning, f"{unscored} unscored" if unscored else "") if part)
            cells.append(replace(cell, warning=warning))
        table.rows.append(Row(system, cells, comparison.appearance[system].slot))
    return table


def _unit(metric: MetricColumn) -> str:
    return "" if metric.unit in ("", "1") else metric.unit


def _decimals(estimates) -> int:
    estimates = list(estimates)
    return max(significant(e.mean for e in estimates), decimals_for(e.half_width for e in estimates))


def estimate_cell(estimate: Estimate, decimals: int, signed: bool = False) -> Cell:
    """A mean over its interval and its n; absent where there is nothing."""
    if not estimate.n:
        return Cell("\u2014", tone="absent")
    span = interval(estimate.low, estimate.high, decimals, signed) if estimate.has_interval else "no interval"
    bounds = (estimate.low, estimate.high) if estimate.has_interval else (None, None)
    return Cell(
        number(estimate.mean, decimals, signed), span, f"n {estimate.n}", "", estimate.mean, *bounds, estimate.n
    )


def jumps_of(comparison: Comparison, jumps: pd.DataFrame) -> list[Jumps]:
    """The table of harness.prosody.jump_table by system, in the run's order; systems without such seams are left out.

    Only seams count at which both the rendering and the recording have F0 on both sides, so that the two are paired.
    """
    rows = jumps.dropna(subset=["cents", "reference_cents"])
    rows = rows.assign(here=rows["cents"].abs(), there=rows["reference_cents"].abs())
    found = []
    for system in comparison.systems:
        of = rows[rows["system"] == system]
        if of.empty:
            continue
        means = of.groupby("utterance", sort=False)[["here", "there"]].mean()
        clusters = comparison.clusters(means.index)
        estimates = (
            mean(v.to_numpy(), clusters) for v in (means["here"], means["there"], means["here"] - means["there"])
        )
        found.append(Jumps(system, *estimates, len(of), int((of["here"] > HEARD_CENTS).sum()), means["here"]))
    return found


def jump_table(comparison: Comparison, found: list[Jumps]) -> Table | None:
    """F0 jumps at the seams by system; None where no seam has F0 on both sides."""
    if not found:
        return None
    table = Table(
        "A jump is the step between two lines of one slope, fitted to log-F0 15 to 65 ms before and after the seam, "
        "whichever way it goes; the recording is measured at the same places. Intervals over utterances, 95 %. Jumps "
        f"beyond {number(HEARD_CENTS, 0)} cents could be noticed in a glide (Klatt, 1973); octave errors, beyond 20 %, "
        "are left out.",
        "system",
        [
            Column("F0 jump at seams ↓", "cents, mean"),
            Column("in the recording", "cents, same places"),
            Column("excess ↓", "cents, paired"),
            Column(f"beyond {number(HEARD_CENTS, 0)} cents ↓", "of seams with F0"),
        ],
    )
    for jumps in found:
        excess = estimate_cell(jumps.excess, 1, signed=True)
        tone = ("worse" if jumps.excess.mean > 0 else "better") if jumps.excess.excludes_zero else ""
        share = Cell(
            f"{number(100 * jumps.heard / jumps.seams, 0)} %", f"{jumps.heard} of {count(jumps.seams, 'seam')}"
        )
        cells = [estimate_cell(jumps.here, 1), estimate_cell(jumps.reference, 1)]
        cells += [replace(excess, tone=tone), share]
        table.rows.append(Row(jumps.system, cells, comparison.appearance[jumps.system].slot))
    return table

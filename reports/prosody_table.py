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


READING = "Mean over utterances; below it the 95 % confidence interval and the number of utterances."
HINTS = {
    "f0_median_cents": "Cents are over frames voiced in both and off by at most 20 %.",
    "gross_pitch_error": "A gross pitch error is off by more than that.",
    "f0_frame_error": "The frame error counts voicing and gross errors.",
    "f0_range_ratio": "Range is 1 where it is the reference's.",
    "f0_declination": "Declination is 0 where it is the reference's, positive where F0 falls less.",
}
"""What a reader needs to read a column, for the metrics that a run holds."""


@dataclass(frozen=True, slots=True)
class Jumps:
    """What F0 does at a system's seams: cents, means over utterances of medians over their seams."""

    system: str
    here: Estimate  # size of the jump, whichever way
    between: Estimate  # between the seams of the same rendering: what tracker and vocoder do anywhere
    reference: Estimate  # the places of the seams in the recording
    excess: Estimate  # here minus between, utterance by utterance
    seams: int  # at which the voice goes on, here, between and in the recording
    heard: tuple[float, float]  # percent of them with a jump that could be heard in a glide: here, in the recording
    by_utterance: pd.Series  # the median size of the jump


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
        " ".join([READING, *(told for name, told in HINTS.items() if name in {m.name.split("[")[0] for m in metrics})]),
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

    Only seams count at which the voice goes on in all three places, so that they are paired. Medians
    within an utterance, since one creaky frame makes a jump of hundreds of cents.
    """
    rows = jumps.dropna(subset=["cents", "between_cents", "reference_cents"])
    rows = rows.assign(here=rows["cents"].abs(), there=rows["reference_cents"].abs())
    found = []
    for system in comparison.systems:
        of = rows[rows["system"] == system]
        if of.empty:
            continue
        medians = of.groupby("utterance", sort=False)[["here", "between_cents", "there"]].median()
        clusters = comparison.clusters(medians.index)
        sides = [medians[side].to_numpy() for side in ("here", "between_cents", "there")]
        sizes = [_not_negative(mean(side, clusters)) for side in sides]
        excess = mean(sides[0] - sides[1], clusters)
        heard = tuple(100 * float((of[side] > HEARD_CENTS).mean()) for side in ("here", "there"))
        found.append(Jumps(system, *sizes, excess, len(of), heard, medians["here"]))
    return found


def _not_negative(estimate: Estimate) -> Estimate:
    """The interval of a size, which cannot lie below 0; cutting it there leaves its coverage as it is."""
    return replace(estimate, low=max(0.0, estimate.low)) if estimate.has_interval else estimate


def jump_table(comparison: Comparison, found: list[Jumps]) -> Table | None:
    """F0 jumps at the seams by system; None where no seam has F0 on both sides."""
    if not found:
        return None
    table = Table(
        "A jump is the step between two lines of one slope, fitted to log-F0 10 to 40 ms before and after the seam "
        "where the voice goes on across it, whichever way it goes; between, at the places around it that touch no seam. "
        "Means over utterances of medians over seams, with 95 % intervals. A change of "
        f"{number(HEARD_CENTS, 0)} cents can just be heard in a glide (Klatt, 1973); melody itself exceeds that in "
        "places, so compare with the recording. Octave errors, beyond 20 %, are left out.",
        "system",
        [
            Column("F0 jump at seams ↓", "cents"),
            Column("between seams", "cents, same rendering"),
            Column("excess ↓", "cents, paired"),
            Column("in the recording", "cents, at the seams"),
            Column(f"beyond {number(HEARD_CENTS, 0)} cents ↓", "of voiced seams"),
        ],
    )
    for jumps in found:
        excess = estimate_cell(jumps.excess, 1, signed=True)
        tone = ("worse" if jumps.excess.mean > 0 else "better") if jumps.excess.excludes_zero else ""
        here, there = jumps.heard
        told = f"recording {number(there, 0)} %"
        share = Cell(f"{number(here, 0)} %", told, count(jumps.seams, "seam"), value=here, n=jumps.seams)
        cells = [estimate_cell(jumps.here, 1), estimate_cell(jumps.between, 1), replace(excess, tone=tone)]
        cells += [estimate_cell(jumps.reference, 1), share]
        table.rows.append(Row(jumps.system, cells, comparison.appearance[jumps.system].slot))
    return table

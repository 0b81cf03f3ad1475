"""Seams against everything that they are compared with, as rows and as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from harness.seams import seam_detectability, seam_summary
from harness.statistics import holm
from reports.comparison import SAMPLE_RATE, Comparison
from reports.formatting import count, decimals_for, interval, number
from reports.tables import Cell, Column, Row, Table

ALPHA = 0.05
ABOVE_CONTROL = 2.0  # in z, that seams which stand out must lie above the recording at the same places


@dataclass(frozen=True, slots=True)
class Effect:
    """Mean over utterances of seam minus matched position, its interval, and p of exchanging the two."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def has_interval(self) -> bool:
        """Whether both bounds are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True, slots=True)
class SeamRow:
    """One system's seams in one measure; of everything the reference's at the same positions is the control.

    ``z`` ranks the seams among the positions around them; ``p_holm`` is its one-sided p, corrected over all systems
    and measures of the report.
    """

    system: str
    measure: str
    unit: str
    seam: float
    interior: float
    reference: float
    z: float
    z_reference: float
    n: int
    effect: Effect
    control: Effect
    p_holm: float

    @property
    def stands_out(self) -> bool:
        """Whether more than chance, over all systems and measures of the report, and more than in the recording.

        A measure that leans on speech itself leans in the recording as well, the more the more seams there are.
        """
        same_there = math.isfinite(self.z_reference) and self.z_reference > self.z - ABOVE_CONTROL
        return self.p_holm < ALPHA and not same_there

    @property
    def axis_title(self) -> str:
        """Measure and unit."""
        return f"{self.measure} ({self.unit})" if self.unit else self.measure


@dataclass(frozen=True, slots=True)
class Detectability:
    """How well a classifier tells a system's seams from other positions; ``because`` says why there is no figure."""

    system: str
    auc: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    utterances: int
    seams: int
    strongest: str
    because: str

    @property
    def has_interval(self) -> bool:
        """Whether both bounds are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@lru_cache(maxsize=4)
def seam_rows(comparison: Comparison) -> list[SeamRow]:
    """Every (system, measure) that has seams, in the order of the run."""
    found: list[dict] = []
    for system in comparison.systems:
        table = comparison.seams[comparison.seams["system"] == system]
        if not table.empty:
            summary = seam_summary(table.drop(columns="system"), speakers=comparison.speaker_of)
            found += [{"system": system, **row} for row in summary.reset_index().to_dict("records") if row["n"]]
    tails = [_upper_tail(row["z"]) for row in found]
    return [_row(row, float(p)) for row, p in zip(found, holm(tails), strict=True)]


def _upper_tail(z: float) -> float:
    return math.nan if not math.isfinite(z) else 0.5 * math.erfc(z / math.sqrt(2))


def _row(row: dict, p_holm: float) -> SeamRow:
    def effect(suffix: str) -> Effect:
        names = (f"effect{suffix}", f"effect{suffix}_low", f"effect{suffix}_high", f"p{suffix}")
        return Effect(*(float(row[name]) for name in names))

    numbers = {name: float(row[name]) for name in ("seam", "interior", "reference", "z", "z_reference")}
    return SeamRow(
        system=str(row["system"]),
        measure=str(row["measure"]),
        unit=str(row["unit"]),
        n=int(row["n"]),
        effect=effect(""),
        control=effect("_reference"),
        p_holm=p_holm,
        **numbers,
    )


def rows_of(comparison: Comparison, measure: str) -> list[SeamRow]:
    """The rows of one measure, in the order of the systems."""
    return [row for row in seam_rows(comparison) if row.measure == measure]


def seam_measures(comparison: Comparison) -> list[tuple[str, str]]:
    """(measure, unit) in the order in which the run holds them; a measure that no seam has is left out."""
    return list(dict.fromkeys((row.measure, row.unit) for row in seam_rows(comparison)))


@lru_cache(maxsize=4)
def detectabilities(comparison: Comparison) -> list[Detectability]:
    """One a system that has seams, in the order of the run."""
    if comparison.seams.empty:
        return []
    found = seam_detectability(comparison.seams, speakers=comparison.speaker_of)
    return [
        Detectability(system=name, **found.loc[name].to_dict()) for name in comparison.systems if name in found.index
    ]


def seam_table(comparison: Comparison) -> Table | None:
    """One row a system and measure; None where no system has seams."""
    rows = seam_rows(comparison)
    if not rows:
        return None
    table = Table(
        f"Seam, inside and recording: means at the seams, at matched positions of the same file, and at the seams' "
        f"positions in the recording. Difference: seam minus matched position, mean over utterances with its 95 % "
        f"interval and the p of exchanging the two; below it the same of the recording, the negative control. z: how "
        f"the seams rank among the positions around them. ▲ marks a z whose p is below 0.05 after Holm over "
        f"{count(len(rows), 'system and measure', 'systems and measures')} and which is at least "
        f"{number(ABOVE_CONTROL, 0)} above the recording's at the same places.",
        "system",
        [Column(name) for name in ("measure", "seam", "inside", "recording")]
        + [Column("difference", "95 % interval"), Column("p"), Column("z"), Column("z, recording"), Column("seams")],
    )
    digits = {
        measure: decimals_for(abs(row.effect.high - row.effect.low) / 2 for row in rows_of(comparison, measure))
        for measure, _ in seam_measures(comparison)
    }
    for measure, _ in seam_measures(comparison):
        for row in rows_of(comparison, measure):
            slot = comparison.appearance[row.system].slot
            table.rows.append(Row(row.system, _cells(row, digits[measure]), slot))
    return table


def _cells(row: SeamRow, digits: int) -> list[Cell]:
    means = [Cell(number(value, digits), value=_known(value)) for value in (row.seam, row.interior, row.reference)]
    control = f"recording {number(row.control.mean, digits, signed=True)}" if math.isfinite(row.control.mean) else ""
    return [
        Cell(row.axis_title),
        *means,
        Cell(
            number(row.effect.mean, digits, signed=True),
            interval(row.effect.low, row.effect.high, digits, signed=True)
            if row.effect.has_interval
            else "no interval",
            control,
            value=_known(row.effect.mean),
            low=_known(row.effect.low),
            high=_known(row.effect.high),
        ),
        Cell(p_text(row.effect.p), value=_known(row.effect.p)),
        Cell(
            f"{number(row.z, 1)}{' ▲' if row.stands_out else ''}",
            tone="worse" if row.stands_out else "",
            value=_known(row.z),
        ),
        Cell(number(row.z_reference, 1), value=_known(row.z_reference)),
        Cell(str(row.n), value=row.n),
    ]


def detectability_table(comparison: Comparison) -> Table | None:
    """One row a system with seams."""
    rows = detectabilities(comparison)
    if not rows:
        return None
    table = Table(
        "Area under the ROC curve of a linear discriminant over all measures, fitted to other utterances than it is asked "
        "about: the chance that it ranks a seam above matched values from the same file, matched measure by measure. 0.5 is "
        "guessing. The recording, cut at the same positions, is the negative control.",
        "system",
        [
            Column("area", "95 % interval"),
            Column("recording", "95 % interval"),
            Column("strongest measure"),
            Column("utterances"),
            Column("seams"),
        ],
    )
    for row in rows:
        slot = comparison.appearance[row.system].slot
        table.rows.append(Row(row.system, _detect_cells(row), slot))
    return table


def _detect_cells(row: Detectability) -> list[Cell]:
    if not math.isfinite(row.auc):
        first = [Cell("not estimable", row.because, tone="absent"), Cell("\u2014", tone="absent")]
    else:
        first = [
            _area(row.auc, row.low, row.high, row.low > 0.5),
            _area(row.control, row.control_low, row.control_high),
        ]
    counts = [Cell(str(row.utterances), value=row.utterances), Cell(str(row.seams), value=row.seams)]
    return [*first, Cell(row.strongest or "\u2014"), *counts]


def _area(value: float, low: float, high: float, told: bool = False) -> Cell:
    note = interval(low, high, 2) if math.isfinite(low) and math.isfinite(high) else "no interval"
    return Cell(
        number(value, 2), note, tone="worse" if told else "", value=_known(value), low=_known(low), high=_known(high)
    )


def chunk_table(comparison: Comparison) -> Table | None:
    """How the seams of each system lie: their number and distance; None where no system has any."""
    rows = []
    for system in comparison.systems:
        seams = [s for (name, _), s in comparison.seams_of.items() if name == system and s]
        if seams:
            gaps = np.concatenate([np.diff(s) for s in seams if len(s) > 1] or [np.array([])]) / SAMPLE_RATE
            usual = float(pd.Series(gaps).median()) if len(gaps) else math.nan
            even = float(np.mean(np.abs(gaps - usual) < 1e-3)) if len(gaps) else math.nan
            cells = [
                Cell(f"{number(usual, 2)} s" if math.isfinite(usual) else "\u2014", value=_known(usual)),
                Cell(f"{number(100 * even, 0)} %" if math.isfinite(even) else "\u2014", value=_known(even)),
                Cell(str(sum(map(len, seams))), value=sum(map(len, seams))),
                Cell(str(len(seams)), value=len(seams)),
            ]
            rows.append(Row(system, cells, comparison.appearance[system].slot))
    if not rows:
        return None
    columns = [Column("median distance"), Column("so far apart"), Column("seams"), Column("utterances with seams")]
    return Table("Where chunks meet, by the trace of each rendering.", "system", columns, rows)


def p_text(p: float) -> str:
    """``< 0.001``, else three digits."""
    if not math.isfinite(p):
        return "\u2014"
    return "< 0.001" if p < 0.001 else number(p, 3)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

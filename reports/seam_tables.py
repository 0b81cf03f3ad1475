"""Seams against matched interior positions of the same file and the same positions of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from harness.seams import seam_summary
from reports.comparison import Comparison
from reports.formatting import decimals_for, number
from reports.tables import Cell, Column, Row, Table


@dataclass(frozen=True, slots=True)
class SeamRow:
    """One system's seams in one measure: means, and z of the seams among shifted grids; the reference's as the control."""

    system: str
    measure: str
    unit: str
    seam: float
    interior: float
    reference: float
    z: float
    z_reference: float
    n: int


@lru_cache(maxsize=4)
def seam_rows(comparison: Comparison) -> list[SeamRow]:
    """Every (system, measure) that has seams, in the order of the run."""
    rows = []
    for system in comparison.systems:
        table = comparison.seams[comparison.seams["system"] == system]
        if table.empty:
            continue
        for record in seam_summary(table).reset_index().to_dict("records"):
            measure = str(record["measure"])
            rows.append(
                SeamRow(
                    system=system,
                    measure=measure,
                    unit=str(record["unit"]),
                    seam=float(record["seam"]),
                    interior=float(record["interior"]),
                    reference=float(record["reference"]),
                    z=float(record["z"]),
                    z_reference=float(record["z_reference"]),
                    n=int(record["n"]),
                )
            )
    return rows


def seam_measures(comparison: Comparison) -> list[tuple[str, str]]:
    """(measure, unit) in the order in which the run holds them; a measure that no seam has is left out."""
    return list(dict.fromkeys((row.measure, row.unit) for row in seam_rows(comparison) if row.n))


def seam_table(comparison: Comparison) -> Table | None:
    """One row a system and measure; None where no system has seams."""
    rows = [row for row in seam_rows(comparison) if row.n]
    if not rows:
        return None
    table = Table(
        "Mean of each measure at the seams, at matched interior positions of the same file, and at the same positions "
        "of the reference. z: how far the seams' mean lies from that of shifted grids, in their standard deviations; "
        "of the reference at the same positions, it is the negative control.",
        "system",
        [Column(c) for c in ("measure", "seam", "interior", "reference", "z", "z of reference", "seams")],
    )
    digits = {
        measure: decimals_for(abs(r.seam - r.interior) for r in rows if r.measure == measure)
        for measure, _ in seam_measures(comparison)
    }
    place = {measure: at for at, (measure, _) in enumerate(seam_measures(comparison))}
    for row in sorted(rows, key=lambda row: place[row.measure]):  # systems of a measure together, in the run's order
        values = [Cell(number(v, digits[row.measure])) for v in (row.seam, row.interior, row.reference)]
        cells = [
            Cell(f"{row.measure} ({row.unit})" if row.unit else row.measure),
            *values,
            Cell(number(row.z, 1)),
            Cell(number(row.z_reference, 1)),
            Cell(str(row.n)),
        ]
        table.rows.append(Row(row.system, cells, comparison.appearance[row.system].slot))
    return table

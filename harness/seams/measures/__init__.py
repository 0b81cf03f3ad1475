"""The measures of a seam, by name."""

from __future__ import annotations

from harness.seams.measures import (
    click,
    energy_step_db,
    excess_pause,
    f0_step_cents,
    group_delay,
    mel_flux,
    phase_deviation,
)
from harness.seams.measures.base import Measure

MODULES = (click, mel_flux, group_delay, phase_deviation, energy_step_db, f0_step_cents, excess_pause)
MEASURES: dict[str, Measure] = {module.MEASURE.name: module.MEASURE for module in MODULES}
UNITS = {name: measure.unit for name, measure in MEASURES.items()}

__all__ = ["MEASURES", "UNITS", "Measure"]

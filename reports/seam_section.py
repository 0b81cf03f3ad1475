"""The seams page of a report: do chunks break where they meet, by how much, can it be told, and how far does it reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from harness.run import RunError
from harness.seams import MEASURES, GridScan, scan
from harness.seams.planted import DEFECTS
from harness.seams.validation import recorded_figures
from reports.comparison import SAMPLE_RATE, Comparison
from reports.formatting import count, join, number
from reports.seam_figures import detectability_figure, effect_figure, z_figure
from reports.seam_profiles import distance_figure, profile_figures
from reports.seam_tables import (
    Detectability,
    chunk_table,
    detectabilities,
    detectability_table,
    p_text,
    seam_measures,
    seam_rows,
    seam_table,
)
from reports.selection import spread_over_speakers
from reports.tables import Cell, Column, Row, Table

MOST_SCANNED = 8  # utterances of a system whose grid is looked for: enough for a defect that one file hides
WIDE_CONTROL = 3.0  # z of the recording past which something is wrong with the positions


@dataclass(frozen=True, slots=True)
class MeasureNote:
    """A measure as the page introduces it."""

    name: str
    unit: str
    sees: str


def seam_section(comparison: Comparison) -> dict | None:
    """What templates/seams.html.j2 shows; None where no system has seams and no grid was looked for.

    Returns:
        ``said`` (sentences), ``measures`` (notes), ``z_figures`` and ``effect_figures`` and ``profile_figures`` by
        measure, ``detect_figure``, ``distance_figure``, ``grid_table``, ``chunk_table``, ``detect_table``, ``table``;
        each None or empty where the run has nothing for it; ``validated``, sentences on how far all this can be trusted.
    """
    grids = found_grids(comparison)
    if not seam_rows(comparison) and not grids:
        return None
    measures = seam_measures(comparison)
    loudest = _loudest_first(comparison)
    profiles = profile_figures(comparison)
    return {
        "said": said(comparison),
        "measures": [MeasureNote(name, unit, _sees(name)) for name, unit in measures],
        "z_figures": [(name, z_figure(comparison, name)) for name, _ in measures if _has_z(comparison, name)],
        "effect_figures": {name: effect_figure(comparison, name) for name in loudest if _has_effect(comparison, name)},
        "detect_figure": detectability_figure(comparison),
        "profile_figures": {name: profiles[name] for name in loudest if name in profiles},
        "distance_figure": distance_figure(comparison),
        "grid_table": grid_table(comparison, grids),
        "chunk_table": chunk_table(comparison),
        "detect_table": detectability_table(comparison),
        "table": seam_table(comparison),
        "validated": validated(),
    }


def said(comparison: Comparison) -> list[str]:
    """What the seams come to, in sentences that follow the figures."""
    rows = seam_rows(comparison)
    sentences = []
    for system in comparison.systems:
        mine = [row for row in rows if row.system == system]
        out = sorted((row for row in mine if row.stands_out), key=lambda row: -row.z)
        told = next((d for d in detectabilities(comparison) if d.system == system and math.isfinite(d.auc)), None)
        area = "" if told is None else f" {told_apart(told)}"
        if out:
            named = join(f"{row.measure} (z {number(row.z, 1)})" for row in out[:3])
            sentences.append(f"Seams of {system} stand out in {named}.{area}")
        elif mine:
            sentences.append(f"Seams of {system} stand out in no measure.{area}")
    wrong = [row for row in rows if abs(row.z_reference) > WIDE_CONTROL]
    if wrong:
        places = join(f"{row.measure} at the seams of {row.system} ({number(row.z_reference, 1)})" for row in wrong[:4])
        sentences.append(
            f"The negative control failed: the recording itself stands out in {places}. Do not read z there as a defect."
        )
    return sentences


def told_apart(told: Detectability) -> str:
    """What the area says, as a sentence: only an interval that lies above guessing tells seams apart."""
    if not told.has_interval:
        note = f"area {number(told.auc, 2)} (no interval; 0.5 is guessing)"
        return f"A classifier does not tell them apart for certain: {note}."
    span = f"{number(told.low, 2)} to {number(told.high, 2)}"
    if told.low > 0.5:
        return f"A classifier tells them apart: area {number(told.auc, 2)} ({span})."
    return f"A classifier does not tell them apart for certain: area {number(told.auc, 2)} ({span}; 0.5 is guessing)."


def validated() -> list[str]:
    """What is known of false alarms and sensitivity, with the figures that were measured."""
    figures = recorded_figures()
    if figures is None:
        return []
    return [
        f"Measured on {count(figures['clips'], 'clip')} of real speech ({count(figures['speakers'], 'speaker')}, "
        f"{number(figures['minutes'], 1)} minutes), cut every {number(1000 * figures['period_s'], 0)} ms.",
        *_false_alarms(figures),
        _seen(figures),
        f"A grid is found where there is none in {_percent(figures['scan']['untouched']['found'])} of single clips; the "
        f"search here takes up to {MOST_SCANNED} files of a system together, of which no rate was measured.",
        f"Command: {figures['command']} ({_speech(figures)}), {figures['date']}.",
    ]


def _false_alarms(figures: dict) -> list[str]:
    """How often untouched speech is taken for broken, and what is done about the measure that leans."""
    single, pooled = figures["single"]["untouched"], figures["pooled"]["untouched"]
    area = pooled["detectability"]
    leaning = max((name for name in MEASURES if name in pooled), key=lambda name: pooled[name]["z_mean"])
    return [
        f"False alarms on untouched speech: z exceeds 2, as it should in 2.3 % of cases, in "
        f"{_range(single, 'z_above_2')} of single clips by measure, and in {_range(pooled, 'z_above_2')} of "
        f"{figures['experiments']} experiments with {figures['clips_together']} of these clips each, which overlap. The p "
        f"of exchanging seam and match is below 0.05 in {_range(single, 'p_below_05')} and "
        f"{_range(pooled, 'p_below_05')}. The classifier's area is {number(area['auc'], 3)} on average and its 95 % "
        f"interval lies above 0.5 in {_percent(area['above_half'])}.",
        f"The measure that leans most on untouched speech is {leaning}: its z is "
        f"{number(pooled[leaning]['z_mean'], 2, signed=True)} on average in these experiments, and a lean grows with the "
        f"number of seams. Seams are therefore said to stand out only where z, beside its p after Holm, is at least 2 "
        f"above that of the recording at the same places, where there is a recording.",
    ]


def _seen(figures: dict) -> str:
    """Sensitivity, with the number of experiments that it rests on."""
    names = [name for name in DEFECTS if name in figures["single"]]
    rows = [row for name in names for row in figures["pooled"][name].values()]
    experiments = max((row.get("n", 0) for row in rows), default=0)
    shares = [
        f"{DEFECTS[name][1]} in {_percent(_strongest(figures['single'][name]))} and "
        f"{_percent(_strongest(figures['pooled'][name]))}"
        for name in names
    ]
    return (
        f"Seen (z above 2 in the measure that sees it best), of single clips and of {experiments} overlapping experiments "
        f"with {figures['clips_together']} clips together: {'; '.join(shares)}."
    )


def _speech(figures: dict) -> str:
    named, clips = figures.get("corpus", ""), count(figures["clips"], "clip")
    return f"MANIFEST: {named}; with the shipped corpus {clips}" if named else f"the shipped corpus, {clips}"


def _range(rates: dict, key: str) -> str:
    found = [rates[name][key] for name in MEASURES if name in rates and rates[name][key] is not None]
    return f"{_percent(min(found))} to {_percent(max(found))}"


def _strongest(rates: dict) -> float:
    return max(row["z_above_2"] for name, row in rates.items() if name != "detectability")


def _percent(share: float) -> str:
    return f"{number(100 * share, 0 if share >= 0.0995 else 1)}\u00a0%"


@lru_cache(maxsize=4)
def found_grids(comparison: Comparison) -> dict[str, GridScan]:
    """Of systems whose seams nobody knows (files rendered elsewhere): what the search for their grid came to."""
    known = {system for system, _ in comparison.seams_of} | set(comparison.seams["system"])
    found = {}
    for system in comparison.systems:
        if system in known or system in comparison.controls:
            continue
        clips = []
        for utterance in spread_over_speakers(comparison.utterances, MOST_SCANNED):
            try:
                clips.append(comparison.run.audio(system, utterance["utterance_id"]))
            except (RunError, OSError, RuntimeError):
                continue
        try:
            if clips:
                found[system] = scan(clips)
        except ValueError:  # nothing long enough to hold four seams
            continue
    return found


def grid_table(comparison: Comparison, grids: dict[str, GridScan]) -> Table | None:
    """What was found where nobody said where the seams are."""
    if not grids:
        return None
    table = Table(
        "The period at which the files of a system keep breaking, looked for because nobody said where their chunks meet; "
        "p is of the whole search. Give a period that was found to `streamflow score` (`--seam-period`), and the seams "
        "are measured.",
        "system",
        [Column("period"), Column("first seam"), Column("p"), Column("seams")],
    )
    for system, grid in grids.items():
        period = number(1000 * grid.period_samples / SAMPLE_RATE, 1)
        first = number(1000 * grid.phase / SAMPLE_RATE, 1)
        cells = [Cell(f"{period} ms"), Cell(f"{first} ms"), Cell(p_text(grid.p), value=grid.p), Cell(str(grid.seams))]
        if not grid.found:
            cells = [Cell("none found", tone="absent"), Cell("\u2014"), cells[2], Cell("\u2014")]
        table.rows.append(Row(system, cells, comparison.appearance[system].slot))
    return table


def _loudest_first(comparison: Comparison) -> list[str]:
    """Measures by the largest z of any system: a list to choose from opens with what there is to see."""
    largest: dict[str, float] = {}
    for row in seam_rows(comparison):
        z = row.z if math.isfinite(row.z) else -math.inf
        largest[row.measure] = max(z, largest.get(row.measure, -math.inf))
    return sorted(largest, key=lambda name: -largest[name])


def _sees(name: str) -> str:
    return MEASURES[name].sees if name in MEASURES else ""


def _has_z(comparison: Comparison, measure: str) -> bool:
    return any(row.measure == measure and math.isfinite(row.z) for row in seam_rows(comparison))


def _has_effect(comparison: Comparison, measure: str) -> bool:
    return any(row.measure == measure and math.isfinite(row.effect.mean) for row in seam_rows(comparison))

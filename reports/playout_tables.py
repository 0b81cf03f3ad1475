"""The tables of what a player makes of measured streams, and of quality beside waiting."""

from __future__ import annotations

import math

import pandas as pd

from harness.latency import Timeline
from reports.comparison import Comparison, MetricColumn
from reports.formatting import count, decimals_for, interval, number
from reports.latency_bands import band_of, wait
from reports.latency_figures import frontier
from reports.tables import Cell, Column, Row, Table
from reports.timing import wait_for_sound

MOST_PAUSES = 24  # rows of one stream


def heard_table(comparison: Comparison, rows: pd.DataFrame) -> Table:
    """One row a system: :func:`harness.latency.outcomes`."""
    table = Table(
        "Means over streams and, with jitter, over 200 draws of the network. Continuity is the share of the time from "
        "first to last sound in which there was sound. The buffer needed is that of the worst stream, in 95 % of the "
        "draws. A pause of up to 100 ms still counts as smooth.",
        "system",
        [
            Column("first sound ↓", "and how it is perceived"),
            Column("continuity ↑"),
            Column("silence ↓", "in a stream"),
            Column("pauses ↓", "in a stream"),
            Column("longest pause ↓", "mean"),
            Column("buffer needed ↓"),
            Column("smooth streams ↑"),
        ],
    )
    by_system = rows.set_index("system")
    for system in [system for system in comparison.systems if system in by_system.index]:
        row = by_system.loc[system]
        first, need = float(row["first_sound_s"]), float(row["buffer_for_none_ms"])
        cells = [
            Cell(wait(first), band_of(first), value=first, n=int(row["streams"])),
            Cell(
                f"{number(100 * row['continuity'], 1)} %", count(int(row["streams"]), "stream"), value=row["continuity"]
            ),
            Cell(wait(float(row["underrun_s"])), value=row["underrun_s"]),
            Cell(number(row["underruns"], 1), value=row["underruns"]),
            Cell(wait(float(row["longest_ms"]) / 1000), value=row["longest_ms"]),
            Cell(wait(need / 1000), value=need),
            Cell(f"{number(100 * row['continuous'], 0)} %", value=row["continuous"]),
        ]
        table.rows.append(row_of(comparison, system, cells))
    return table


def pause_table(line: Timeline) -> Table:
    """One row a pause of one stream, the first ones of many."""
    found = line.pauses
    total = sum(end - begin for begin, end in found)
    more = f" The first {MOST_PAUSES} are listed." if len(found) > MOST_PAUSES else ""
    told = f"{count(len(found), 'pause')}, {wait(total)} in all." if found else "The stream is heard without a pause."
    table = Table(
        f"First sound after {wait(float(line.begins_s[0]))}. {told}{more}",
        "pause",
        [Column("begins", "since the start"), Column("lasts"), Column("audio heard before")],
    )
    heard = {float(begin): float(position) for begin, position in zip(line.begins_s, line.position_s, strict=True)}
    for place, (begin, end) in enumerate(found[:MOST_PAUSES], 1):
        cells = [Cell(f"{number(begin)} s", value=begin), Cell(wait(end - begin), value=end - begin)]
        table.rows.append(Row(str(place), [*cells, Cell(f"{number(heard[end])} s", value=heard[end])]))
    return table


def quality_table(comparison: Comparison, metric: MetricColumn) -> Table:
    """One row a system: its wait, its score, and whether it lies on the frontier."""
    estimates = {system: comparison.estimate(system, metric) for system in comparison.systems}
    waits = {system: wait_for_sound(comparison, system) for system in comparison.systems}
    decoders = {
        system: (waits[system], estimates[system].mean)
        for system in comparison.systems
        if system not in comparison.controls and estimates[system].n and waits[system] > 0
    }
    best = frontier(decoders, metric.direction) if metric.direction else []
    decimals = decimals_for(estimate.half_width for estimate in estimates.values())
    unit = f", {metric.unit}" if metric.unit else ""
    table = Table(
        f"Mean {metric.name}{unit}, with its 95 % interval, beside the median wait for the first sound (algorithmic and "
        "first-packet latency). A system is on the frontier if no other decoder is both quicker and better.",
        "system",
        [Column("wait for sound ↓"), Column(f"{metric.name} {metric.arrow}".strip(), metric.unit), Column("frontier")],
    )
    for system, estimate in estimates.items():
        waited = waits[system]
        first = Cell(wait(waited), band_of(waited), value=waited) if math.isfinite(waited) else Cell("—", tone="absent")
        span = (
            interval(estimate.low, estimate.high, decimals) if estimate.n and estimate.has_interval else "no interval"
        )
        score = Cell("—", tone="absent")
        if estimate.n:
            score = Cell(number(estimate.mean, decimals), span, value=estimate.mean, n=estimate.n)
        place = "control" if system in comparison.controls else "yes" if system in best else "no"
        table.rows.append(row_of(comparison, system, [first, score, Cell(place if metric.direction else "—")]))
    return table


def row_of(comparison: Comparison, system: str, cells: list[Cell]) -> Row:
    """A row in the system's colour."""
    return Row(system, cells, comparison.appearance[system].slot, "control" if system in comparison.controls else "")

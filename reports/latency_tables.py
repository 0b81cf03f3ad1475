"""The tables of waiting: first sound, chunks and their growth, work, streams beside each other, playout, interruption."""

from __future__ import annotations

import math

import pandas as pd

from harness.latency import (
    NOT_ESTIMABLE,
    Bench,
    Slope,
    chunk_percentiles,
    fewest_for,
    percentile,
    slope_by_position,
    slope_table,
)
from reports.comparison import Comparison
from reports.formatting import count, interval, number, seconds
from reports.latency_bands import band_of, wait
from reports.latency_bench_figures import by_token_rate, players
from reports.latency_first_packet import FirstSound
from reports.tables import Cell, Column, Row, Table
from reports.timing import growth, time_split

SHOWN = (50, 90, 95, 99)  # percentiles of chunk latency
MOST_FITTED = 200  # utterances of a system that a slope is fitted to, the longest of them
ABSENT = Cell("\u2014", tone="absent")


def first_sound_table(comparison: Comparison, found: list[FirstSound]) -> Table:
    """One row a system: the wait for the first sound and its parts."""
    table = Table(
        "Means over sessions, from the first token to the first sound. Tokens: until the last one that the first "
        f"packet needs has come, at the rate of speech ({comparison.tokens_per_second:g} a second). The rest is what the "
        "listener waits for compute.",
        "system",
        [
            Column("first sound ↓", "and how it is perceived"),
            Column("tokens waited for"),
            Column("DiT"),
            Column("vocoder"),
            Column("rest"),
            Column("quickest to slowest"),
        ],
    )
    for first in found:
        parts = (first.dit_s, first.vocoder_s, first.other_s)
        cells = [Cell(wait(first.total_s), band_of(first.total_s), value=first.total_s, n=first.sessions)]
        pauseless = comparison.pauseless_latency(first.system)
        on = f"{wait(pauseless)} to play without a pause" if math.isfinite(pauseless) else ""
        cells += [Cell(wait(first.waited_s), on, value=first.waited_s)]
        cells += [Cell(wait(part), value=part) for part in parts]
        span = f"{wait(first.quickest_s)} to {wait(first.slowest_s)}"
        cells.append(Cell(span, count(first.sessions, "session"), value=first.slowest_s))
        table.rows.append(_row(comparison, first.system, cells))
    return table


def chunk_latency_table(comparison: Comparison, bench: Bench | None) -> Table | None:
    """One row a streaming system: percentiles of chunk latency, and how it grows; None where none streams."""
    chunks = _chunks(comparison, bench)
    systems = [system for system in comparison.systems if (chunks["system"] == system).any()]
    if not systems:
        return None
    against = ["position"] if bench is None else ["position", "length"]  # a run holds utterances, not lengths
    floors = ", ".join(f"{fewest_for(p)} for the {p}th" for p in SHOWN[1:])
    table = Table(
        "Compute time of a chunk, the first of each session left out; chunks of all sessions together. A percentile "
        f"needs enough chunks ({floors}: the rule of MLPerf Inference) and is otherwise {NOT_ESTIMABLE}. Slopes are "
        "Theil-Sen lines within a session, with the 95 % interval over sessions; 0 is flat. Growth is the median in the "
        "last quarter of an utterance over that in the first; 1.00 is flat.",
        "system",
        [Column("median" if p == 50 else f"{p}th percentile", "chunk latency") for p in SHOWN]
        + [Column(f"slope against {what}", "ms per s") for what in against]
        + [Column("growth", "last / first quarter")],
    )
    levels = chunk_percentiles(chunks).set_index("system")
    slopes = _slopes(comparison, bench, systems)
    for system in systems:
        cells = []
        for p in SHOWN:
            value = float(levels.loc[system, f"p{p}_s"])
            note = count(int(levels.loc[system, "chunks"]), "chunk") if p == 50 else ""
            absent = Cell(NOT_ESTIMABLE, tone="absent")
            cells.append(absent if math.isnan(value) else Cell(wait(value), note, value=value))
        cells += [_slope_cell(slopes.get((system, what))) for what in against]
        table.rows.append(_row(comparison, system, [*cells, _growth_cell(comparison, system)]))
    return table


def _chunks(comparison: Comparison, bench: Bench | None) -> pd.DataFrame:
    """Chunks that were made one stream at a time: the bench's, else the run's; after the first of their session."""
    rows = comparison.traces if bench is None else bench.chunks[bench.chunks["clock"] == "virtual"]
    return rows[rows["index"] > 0]


def _slopes(comparison: Comparison, bench: Bench | None, systems: list[str]) -> dict[tuple[str, str], Slope]:
    if bench is not None:
        rows = slope_table(bench.chunks).to_dict("records")
        return {(r["system"], r["against"]): Slope(*(r[name] for name in Slope._fields)) for r in rows}
    found = {}
    for system in systems:
        rows = comparison.traces[comparison.traces["system"] == system]
        longest = rows.groupby("utterance")["start_sample"].max().nlargest(MOST_FITTED).index
        fit = slope_by_position(rows[rows["utterance"].isin(longest)], repeat=("utterance", "seed"))
        if fit is not None:
            found[system, "position"] = fit
    return found


def _slope_cell(slope: Slope | None) -> Cell:
    """Milliseconds a second."""
    if slope is None:
        return Cell("too few chunks", tone="absent")
    per_s = [None if v is None or math.isnan(v) else 1000 * v for v in (slope.slope, slope.low, slope.high)]
    known = per_s[1] is not None and per_s[2] is not None
    span = interval(per_s[1], per_s[2], 2, signed=True) if known else "no interval"
    tone = "worse" if known and per_s[1] > 0 else ""
    told = count(slope.repeats, "session")
    return Cell(number(per_s[0], 2, signed=True), span, told, tone, per_s[0], per_s[1], per_s[2], slope.repeats)


def _growth_cell(comparison: Comparison, system: str) -> Cell:
    grown = growth(comparison, system)
    if grown is None:
        return Cell("too few chunks", tone="absent")
    told = f"{count(grown.utterances, 'utterance')}, to {seconds(grown.longest_s)}"
    return Cell(number(grown.ratio), told, value=grown.ratio, n=grown.utterances)


def work_table(comparison: Comparison) -> Table | None:
    """One row a system: work for a second of audio by part, and memory; None where nothing was timed."""
    if comparison.latency.empty:
        return None
    table = Table(
        "Work for one second of audio over the whole run; below 1 is faster than real time. Memory is the process's "
        "largest, weights of every loaded system included.",
        "system",
        [
            Column("real-time factor ↓", "s per s of audio"),
            Column("DiT", "s per s"),
            Column("vocoder", "s per s"),
            Column("rest", "s per s"),
            Column("peak memory ↓", "MB"),
        ],
    )
    for system in comparison.systems:
        rows = comparison.latency[comparison.latency["system"] == system]
        split = time_split(comparison, system)
        if not split:
            continue
        memory = float(pd.to_numeric(rows["peak_memory_mb"], errors="coerce").max())
        values = [sum(split.values()), *split.values()]
        cells = [Cell(number(value, 3), value=value) for value in values]
        table.rows.append(_row(comparison, system, [*cells, Cell(number(memory, 0), value=memory)]))
    return table if table.rows else None


def streams_table(comparison: Comparison, bench: Bench) -> Table | None:
    """One row a system and number of streams that ran together; None where none did."""
    rows = bench.sessions[bench.sessions["clock"] == "wall"]
    if rows.empty:
        return None
    table = Table(
        "Streams in threads of one process, their tokens coming in real time. Medians over streams and repeats; work is "
        "wall time spent decoding, so that it grows where streams wait for each other.",
        "system",
        [
            Column("streams"),
            Column("first packet ↓", "median"),
            Column("slowest first packet ↓"),
            Column("chunk latency ↓", "median of medians"),
            Column("work for 1 s of audio ↓", "s"),
            Column("load", "of the machine"),
        ],
    )
    for system in comparison.systems:
        for streams, of in rows[rows["system"] == system].groupby("streams"):
            first, slowest = float(of["first_packet_s"].median()), float(of["first_packet_s"].max())
            chunk, factor, load = (float(of[c].median()) for c in ("chunk_p50_s", "rtf", "load_average"))
            cells = [Cell(str(streams), count(len(of), "session"), value=float(streams))]
            cells += [Cell(wait(value), value=value) for value in (first, slowest, chunk)]
            cells += [Cell(number(factor, 2), value=factor), Cell(number(load, 1), value=load)]
            table.rows.append(_row(comparison, system, cells))
    return table if table.rows else None


def rate_table(comparison: Comparison, bench: Bench) -> Table | None:
    """One row a system: time to the first sound by token rate; None below two rates."""
    rows = by_token_rate(bench)
    return rate_table_of(comparison, rows, f"{float(rows['length_s'].min()):g} s") if len(rows) else None


def rate_table_of(comparison: Comparison, rows: pd.DataFrame, length: str) -> Table | None:
    """The same from any rows with ``system``, ``tokens_per_second`` and ``first_sound_s``, of streams of a length."""
    rates = sorted(rows["tokens_per_second"].unique())
    if len(rates) < 2:
        return None
    table = Table(
        f"From the first token to the first sound of a stream of {length}, without buffer or jitter: the measured work, "
        "with tokens coming at each rate.",
        "system",
        [Column(f"{rate:g} tokens/s", "first sound ↓") for rate in rates],
    )
    for system in comparison.systems:
        waits = rows[rows["system"] == system].set_index("tokens_per_second")["first_sound_s"].to_dict()
        if waits:
            cells = [Cell(wait(waits[r]), band_of(waits[r]), value=waits[r]) if r in waits else ABSENT for r in rates]
            table.rows.append(_row(comparison, system, cells))
    return table


def playout_table(comparison: Comparison, bench: Bench) -> Table | None:
    """One row a system: the buffer that leaves no underrun, by token rate and jitter; None without playout."""
    cases = list(players(bench))
    if not cases:
        return None
    length = max(float(rows["length_s"].max()) for _, rows in cases)
    table = Table(
        f"Buffer with which a player of a stream of {length:g} s never starves, in the worst repeat and, with jitter, in "
        "95 % of 200 simulated networks (independent exponential delays of that mean, delivered in order). Below it, "
        "seconds of silence without a buffer.",
        "system",
        [Column(f"{rate:g} tokens/s", f"jitter {jitter:g} ms, buffer ↓") for (rate, jitter), _ in cases],
    )
    for system in comparison.systems:
        cells = []
        for _, rows in cases:
            of = rows[rows["system"] == system]
            if of.empty:
                cells.append(ABSENT)
                continue
            least = of.loc[of["buffer_ms"].idxmin()]
            need = float(least["buffer_for_none_ms"])
            bare = f"{number(float(least['underrun_s']), 2)} s silent" if least["buffer_ms"] == 0 else ""
            cells.append(Cell(f"{number(need, 0)} ms", bare, value=need))
        if any(cell is not ABSENT for cell in cells):
            table.rows.append(_row(comparison, system, cells))
    return table if table.rows else None


def interrupt_table(comparison: Comparison, bench: Bench) -> Table | None:
    """One row a system: how long it takes to fall silent when it is cancelled in mid-chunk; None without such."""
    if bench.interrupts.empty:
        return None
    table = Table(
        "From the cancelling of a session in the middle of a chunk until it has returned. A 90th percentile needs "
        f"{fewest_for(90)} interruptions.",
        "system",
        [Column("interrupt latency ↓", "median"), Column("90th percentile ↓"), Column("longest ↓")],
    )
    for system in comparison.systems:
        times = bench.interrupts.loc[bench.interrupts["system"] == system, "interrupt_s"]
        if times.empty:
            continue
        middle, most, high = float(times.median()), float(times.max()), percentile(times.to_numpy(), 90)
        told = Cell(NOT_ESTIMABLE, tone="absent") if high is None else Cell(wait(high), value=high)
        first = Cell(wait(middle), count(len(times), "interruption"), value=middle, n=len(times))
        table.rows.append(_row(comparison, system, [first, told, Cell(wait(most), value=most)]))
    return table if table.rows else None


def _row(comparison: Comparison, system: str, cells: list[Cell]) -> Row:
    note = "control" if system in comparison.controls else ""
    return Row(system, cells, comparison.appearance[system].slot, note)

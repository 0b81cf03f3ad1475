"""A bench as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pandas
from rich.table import Table

from .bench_tables import Bench
from .percentiles import fewest_for, percentile
from .ratio import bench_ratios
from .slope import slope_table

MISSING = "–"


def tables_of(bench: Bench) -> Iterator[Table]:
    """One table each: first packet, chunks, ratios, growth, streams together, interrupts; those that have rows."""
    makers = (first_packet_table, chunk_table, ratio_table, growth_table, together_table, interrupt_table)
    yield from (table for maker in makers if (table := maker(bench)).row_count)


def load_note(bench: Bench) -> str | None:
    """A warning where other work shared the machine; None where the load was no more than the bench's own."""
    load, cores = bench.sessions["load_average"].max(), bench.settings["machine"]["cores"]
    if not load > cores + 0.5:  # also of a bench without sessions
        return None
    return (
        f"the load reached {load:.1f} on {cores} cores: take these times for upper bounds; ratios suffer less, "
        "since systems took turns"
    )


def first_packet_table(bench: Bench) -> Table:
    """The way to the first sound in parts, by system and length."""
    columns = ("system", "s", "tokens", "DiT", "vocoder", "rest", "first packet")
    table = _table("First packet of one stream (ms), medians over repeats", *columns)
    parts = ["waited_s", "dit_first_s", "vocoder_first_s", "other_first_s", "first_packet_s"]
    for (system, length_s), rows in bench.single.groupby(["system", "length_s"], sort=False):
        table.add_row(system, f"{length_s:g}", *(_ms(rows[part].median()) for part in parts))
    table.caption = "tokens: waited for; first packet: from the last of these to the sound"
    return table


def chunk_table(bench: Bench) -> Table:
    """Chunk latency and work, by system and length."""
    columns = ("system", "s", "chunk p50 (ms)", "p90", "p99", "RTF", "memory (MB)")
    table = _table("Chunks of one stream", *columns)
    chunks = bench.chunks[bench.chunks["clock"] == "virtual"]
    for (system, length_s), rows in bench.single.groupby(["system", "length_s"], sort=False):
        here = chunks[(chunks["system"] == system) & (chunks["length_s"] == length_s)]
        later = here[here["index"] > 0]
        times = (later if len(later) else here)["compute_s"]  # a system without chunks has its one
        percentiles = [_ms(percentile(times, percent)) for percent in (50, 90, 99)]
        middle = rows[["rtf", "peak_memory_mb"]].median()
        work = f"{middle['rtf']:.3f}"
        table.add_row(system, f"{length_s:g}", *percentiles, work, f"{middle['peak_memory_mb']:.0f}")
    table.caption = f"{MISSING}: not estimable; p90 needs {fewest_for(90)} chunks, p99 {fewest_for(99)}"
    return table


def ratio_table(bench: Bench) -> Table:
    """Every system to the first, measured in turn."""
    ratios = bench_ratios(bench)
    name = ratios["baseline"].iloc[0] if len(ratios) else ""
    table = _table(f"Times slower than {name}, with 95 % interval", "system", "first packet", "RTF", "chunk p50")
    for system, rows in ratios.groupby("system", sort=False):
        table.add_row(system, *(_interval(row) for row in rows.itertuples()))
    return table


def growth_table(bench: Bench) -> Table:
    """Slopes of chunk latency."""
    table = _table("Growth of chunk latency, with 95 % interval", "system", "against", "up to (s)", "ms a second")
    for row in slope_table(bench.chunks).itertuples():
        milliseconds = _interval(row, value=row.slope, scale=1000, digits=3)
        table.add_row(row.system, row.against, f"{row.length_s:g}", milliseconds)
    return table


def together_table(bench: Bench) -> Table:
    """What streams beside each other do to each other."""
    table = _table(
        "Streams together, tokens in real time", "system", "streams", "first packet (ms)", "RTF",
        "underrun (s)", "continuity", "buffer for none (ms)",
    )  # fmt: skip
    plain = bench.playout[(bench.playout["buffer_ms"] == 0) & (bench.playout["jitter_ms"] == 0)]
    wall = bench.sessions[bench.sessions["clock"] == "wall"]
    for (system, streams), rows in wall.groupby(["system", "streams"], sort=False):
        player = plain[(plain["system"] == system) & (plain["streams"] == streams)]
        player = player[player["length_s"] == rows["length_s"].max()]
        heard = [MISSING] * 3
        if len(player) and streams > 1:
            one = player.iloc[0]
            heard = [f"{one['underrun_s']:.2f}", f"{one['continuity']:.3f}", f"{one['buffer_for_none_ms']:.0f}"]
        middle = rows[["first_packet_s", "rtf"]].median()
        table.add_row(system, str(streams), _ms(middle["first_packet_s"]), f"{middle['rtf']:.2f}", *heard)
    return table


def interrupt_table(bench: Bench) -> Table:
    """How soon a cancelled session lets go."""
    table = _table("From cancel() to a free machine (ms)", "system", "interrupts", "p50", "p90", "longest")
    for system, rows in bench.interrupts.groupby("system", sort=False):
        times = rows["interrupt_s"]
        table.add_row(system, str(len(rows)), _ms(percentile(times, 50)), _ms(percentile(times, 90)), _ms(times.max()))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=not number)
    return table


def _ms(seconds: float | None) -> str:
    if seconds is None or pandas.isna(seconds):
        return MISSING
    return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f}"


def _interval(row: tuple, value: float | None = None, scale: float = 1.0, digits: int = 2) -> str:
    """``1.20 (1.10, 1.31)``, or the value alone where its spread is not known."""
    value = row.ratio if value is None else value
    text = f"{value * scale:.{digits}f}"
    if pandas.isna(row.low):
        return text
    return f"{text} ({row.low * scale:.{digits}f}, {row.high * scale:.{digits}f})"

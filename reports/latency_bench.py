"""The bench of a report's runs, with the systems named as in the report."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from harness.latency import Bench, read_bench
from reports.comparison import Comparison
from reports.joined import JoinedRuns

TABLES = ("chunks", "sessions", "interrupts", "playout")


def bench_of(comparison: Comparison) -> Bench | None:
    """What ``streamflow latency`` measured for the systems of the report; None where it has not been given.

    Several runs have a bench each: rows are joined, and ``settings`` are those of the first, with ``machines`` naming
    all of them. A bench of systems that the report does not show has no rows.

    Raises:
        LatencyError: a bench that cannot be read.
    """
    found = []
    for run in comparison.runs:
        bench = read_bench(run.path)
        if bench is None:
            continue
        names = {system: system for system in comparison.systems}
        if isinstance(comparison.run, JoinedRuns):
            names = {system: name for name, (owner, system) in comparison.run.origin.items() if owner is run}
        found.append(replace(bench, **{table: _renamed(getattr(bench, table), names) for table in TABLES}))
    if not found:
        return None
    machines = [bench.settings.get("machine") for bench in found]
    joined = {table: _joined([getattr(bench, table) for bench in found]) for table in TABLES}
    bench = Bench(**joined, settings={**found[0].settings, "machines": machines})
    return None if all(getattr(bench, table).empty for table in TABLES) else bench


def shared_lengths(rows: pd.DataFrame) -> list[float]:
    """The lengths, in order, at which every system in the rows was measured; all of them where there is no such one.

    A bench that was interrupted, or widened to another system later, has others too, at which some would be missing.
    """
    of = rows.groupby("length_s")["system"].nunique()
    shared = of[of == rows["system"].nunique()]
    return sorted(float(length) for length in (shared if len(shared) else of).index)


def _renamed(rows: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    rows = rows[rows["system"].isin(names)]
    return rows.assign(system=rows["system"].map(names))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]

"""The latency page of a report: from the run's own traces, and from the bench where one was measured."""

from __future__ import annotations

from harness.latency import Bench
from reports.comparison import Comparison
from reports.formatting import count, join, number
from reports.latency_bands import BANDS
from reports.latency_bench import bench_of
from reports.latency_bench_figures import length_figure, playout_figures, rate_figure, streams_figures
from reports.latency_figures import chunk_latency_figure, quality_latency_figure, time_split_figure
from reports.latency_first_packet import first_packet_figure, first_sounds
from reports.latency_tables import (
    chunk_latency_table,
    first_sound_table,
    interrupt_table,
    playout_table,
    rate_table,
    streams_table,
    work_table,
)


def latency_section(comparison: Comparison, *, title: str = "Latency", whole: bool = True) -> dict | None:
    """What templates/latency.html.j2 shows; None where nothing was timed, as of files that were rendered elsewhere.

    Args:
        comparison: of the run.
        title: of the section.
        whole: False without what the application has with sliders: quality, playout and the token rate.

    Returns:
        Figures and tables by name, each None (or empty) where the run or the bench has nothing for it.
    """
    bench = bench_of(comparison)
    if comparison.latency.empty and comparison.traces.empty and bench is None:
        return None
    found = first_sounds(comparison, bench)
    chunks = chunk_latency_figure(comparison)
    timed = work_table(comparison)
    pareto = {metric.name: quality_latency_figure(comparison, metric) for metric in comparison.metrics if whole}
    return {
        "title": title,
        "bands": [{"range": name, "felt": felt, "shades": i} for i, (_, name, felt) in enumerate(BANDS)],
        "first_figure": first_packet_figure(comparison, found) if found else None,
        "first_table": first_sound_table(comparison, found) if found else None,
        "chunk_figure": chunks if chunks.data else None,
        "chunk_table": chunk_latency_table(comparison, bench),
        "split_figure": time_split_figure(comparison) if timed else None,
        "work_table": timed,
        "quality_figures": {name: figure for name, figure in pareto.items() if figure.data},
        "bench": None if bench is None else _bench(comparison, bench, whole),
    }


def _bench(comparison: Comparison, bench: Bench, whole: bool) -> dict:
    streams = streams_figures(comparison, bench)
    return {
        "said": bench_text(bench),
        "length_figure": length_figure(comparison, bench),
        "packet_figure": streams[0] if streams else None,
        "factor_figure": streams[1] if streams else None,
        "streams_table": streams_table(comparison, bench),
        "rate_figure": rate_figure(comparison, bench) if whole else None,
        "rate_table": rate_table(comparison, bench),
        "playout_figures": playout_figures(comparison, bench) if whole else {},
        "playout_table": playout_table(comparison, bench),
        "interrupt_table": interrupt_table(comparison, bench),
    }


def bench_text(bench: Bench) -> list[str]:
    """What was measured, where, and what else the machine was doing, in sentences."""
    sentences = []
    if len(single := bench.single):
        lengths = sorted(single["length_s"].unique())
        repeats = int(single.groupby(["system", "length_s"]).size().median())
        sentences.append(
            f"{count(len(single), 'session')} ran alone, of {join(f'{length:g}' for length in lengths)} s, each "
            f"{count(repeats, 'time')}; systems took turns in one process, every second round backwards (A-B-B-A), "
            "after a warm-up."
        )
    for machine in {_machine(machine) for machine in bench.settings.get("machines", [])} - {""}:
        sentences.append(f"Machine: {machine}.")
    load = bench.sessions["load_average"].dropna()
    if len(load):
        sentences.append(
            f"Load average over the minute before: {number(float(load.min()), 1)} to {number(float(load.max()), 1)}, "
            f"median {number(float(load.median()), 1)}."
        )
    for failure in bench.settings.get("failures", []):
        sentences.append(f"{failure['system']} failed ({failure['what']}): {failure['error']}.")
    return sentences


def _machine(about: dict | None) -> str:
    """CPU, cores, threads and accelerator, as far as known."""
    about = about or {}
    known = [str(about["cpu"])] if about.get("cpu") else []
    known += [count(int(about["cores"]), "core")] if about.get("cores") else []
    known += [count(int(about["torch_threads"]), "torch thread")] if about.get("torch_threads") else []
    return ", ".join(known + ([str(about["accelerator"])] if about.get("accelerator") else []))

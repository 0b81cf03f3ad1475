"""A bench beside a run: sessions with known times, played by the real simulation and written by the real writer.

``naive`` gets slower with every chunk and starves at 200 tokens a second; ``streamflow-sr`` is flat; ``full`` is one
chunk. Load, machine and one failure are recorded, as ``streamflow latency`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.latency.bench_tables import FOLDER, table_of, write_table
from harness.latency.plan import Settings
from harness.latency.playout_table import playout_rows
from harness.storage import write_json

RATE, CHUNK = 16_000, 15_360
SYSTEMS = ("full", "naive", "streamflow-sr")
CHUNK_S = {"naive": 0.20, "streamflow-sr": 0.15}
GROWTH_S = 0.02  # by which each chunk of naive takes longer than the one before
PARTS = {"dit": 0.7, "vocoder": 0.2, "other": 0.1}
SETTINGS = Settings(lengths_s=(15.0, 30.0), repeats=3, streams=(1, 2, 4), interrupts=5, jitters_ms=(0.0, 50.0)).at(25.0)
MACHINE = {"system": "Linux", "cpu": "Some CPU", "cores": 2, "torch_threads": 1, "accelerator": None}


def make_bench(run: Path, systems: tuple[str, ...] = SYSTEMS) -> Path:
    """Write ``bench/`` into the folder of a run and return that folder."""
    tables: dict[str, list[dict]] = {"chunks": [], "sessions": [], "interrupts": []}
    for who in _cells(systems):
        chunks = list(_chunks(who))
        tables["chunks"] += chunks
        tables["sessions"].append(_session(who, chunks, len(tables["sessions"])))
    for system in systems:
        for repeat in range(SETTINGS.interrupts):
            told = {"during_s": 2.0, "interrupt_s": 0.1 + 0.01 * repeat, "order": repeat}
            tables["interrupts"].append({"system": system, "repeat": repeat, **told})
    tables["playout"] = list(playout_rows(table_of("chunks", tables["chunks"]), SETTINGS))
    for name, rows in tables.items():
        write_table(run, name, rows)
    failure = {"system": "broken", "what": "alone 5 s", "error": "ValueError: <b>no</b>"}
    about = {"machine": MACHINE, "settings": SETTINGS.table(), "identity": "0", "failures": [failure]}
    write_json(run / FOLDER / "bench.json", about | {"systems": {system: {} for system in systems}})
    return run / FOLDER


def _cells(systems: tuple[str, ...]) -> Iterator[dict]:
    for system in systems:
        for length_s in SETTINGS.lengths_s:
            for repeat in range(SETTINGS.repeats):
                who = {"system": system, "length_s": length_s, "repeat": repeat}
                yield {**who, "streams": 1, "stream": 0, "clock": "virtual"}
        for streams in SETTINGS.streams:
            for stream in range(streams):
                who = {"system": system, "length_s": 5.0, "repeat": 0, "streams": streams, "stream": stream}
                yield {**who, "clock": "wall"}


def _chunks(who: dict) -> Iterator[dict]:
    samples = round(who["length_s"] * RATE)
    size = CHUNK if who["system"] in CHUNK_S else samples
    rng, free_s = np.random.default_rng(who["repeat"]), 0.0
    for index, start in enumerate(range(0, samples, size)):
        length = min(size, samples - start)
        compute = CHUNK_S.get(who["system"], 0.15 * who["length_s"]) * length / size * who["streams"]
        compute += (GROWTH_S * index if who["system"] == "naive" else 0) + 1e-4 * rng.random()
        tokens = -(-(start + length) // 640)
        free_s = max(free_s, tokens / 25) + compute
        times = {f"{part}_s": share * compute for part, share in PARTS.items()}
        place = {"index": index, "start_sample": start, "samples": length, "tokens_in": tokens}
        yield {**who, **place, "arrived_s": free_s, "compute_s": compute, **times}


def _session(who: dict, chunks: list[dict], order: int) -> dict:
    first, work_s = chunks[0], sum(chunk["compute_s"] for chunk in chunks)
    waited_s = first["tokens_in"] / 25
    parts = {f"{part}_first_s": share * first["compute_s"] for part, share in PARTS.items()}
    return {
        **who, **parts, "order": order, "first_packet_s": first["arrived_s"] - waited_s, "waited_s": waited_s,
        "rtf": work_s / who["length_s"], "work_s": work_s, "peak_memory_mb": 400.0, "load_average": 1.0 + who["repeat"],
        "chunk_p50_s": float(np.median([chunk["compute_s"] for chunk in chunks])),
    }  # fmt: skip

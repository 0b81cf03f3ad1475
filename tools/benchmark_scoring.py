"""What scoring costs: the harness against the packages called bare, one after another in one loop.

    python -m tools.benchmark_scoring [--systems 8] [--utterances 24] [--repeats 2] [--jobs 2]

Renderings are the shipped corpus with noise of as many levels as there are systems. The bare loop reads each rendering
and its reference and calls pesq (both bands), pystoi (both kinds) and pyworld (DIO and StoneMask, of both signals); the
harness scores the same files by the same measures through :func:`harness.scoring.score_all`, processes started and
packages imported included. The two alternate, so that the load of the machine meets both; their ratio is what counts.
Seconds of processor time stand beside, which say on a busy machine what the wall clock cannot.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from harness.corpus import load_corpus
from harness.scoring import ScoreTask, score_all
from harness.storage import encode_flac, read_flac, write_bytes

RATE = 16_000
SHIPPED = Path(__file__).parents[1] / "corpora" / "shipped" / "manifest.csv"
SAME = ("pesq_wb", "pesq_nb", "stoi", "estoi", "f0_rmse_cents", "f0_median_cents", "voicing_error")


def renderings(folder: Path, systems: int, utterances: int) -> list[ScoreTask]:
    """Write the renderings and say what is to be scored."""
    tasks, random = [], np.random.default_rng(0)
    for utterance in load_corpus(SHIPPED, limit=utterances).utterances:
        reference = folder / "reference" / f"{utterance.utterance_id}.flac"
        clean = read_flac(utterance.path)
        write_bytes(reference, encode_flac(clean))
        level = np.sqrt(np.mean(clean**2))
        for system, snr_db in enumerate(np.linspace(40, 5, systems)):
            noise = random.standard_normal(len(clean)) * level * 10 ** (-snr_db / 20)
            audio = folder / f"{snr_db:.0f} dB" / f"{utterance.utterance_id}.flac"
            write_bytes(audio, encode_flac(np.clip(clean + noise, -1, 1).astype(np.float32)))
            names = tuple((name, {}) for name in SAME)
            tasks.append(ScoreTask(str(system), utterance.utterance_id, 0, audio, reference, metrics=names))
    return tasks


def bare(tasks: list[ScoreTask]) -> tuple[float, float]:
    """Seconds that the packages take, by the clock and of the processor."""
    import pesq
    import pystoi

    with warnings.catch_warnings():  # pyworld 0.3.5 imports pkg_resources, which announces its end on every import
        warnings.simplefilter("ignore")
        import pyworld

    start, work = time.perf_counter(), processor_s()
    for task in tasks:
        degraded, reference = read_flac(task.audio), read_flac(task.reference)
        for band in ("wb", "nb"):
            pesq.pesq(RATE, reference, degraded, band)
        for extended in (False, True):
            pystoi.stoi(reference, degraded, RATE, extended=extended)
        for samples in (degraded.astype(np.float64), reference.astype(np.float64)):
            coarse, times = pyworld.dio(samples, RATE, f0_floor=60, f0_ceil=600, frame_period=5)
            pyworld.stonemask(samples, coarse, times, RATE)
    return time.perf_counter() - start, processor_s() - work


def processor_s() -> float:
    """Seconds that processors have worked for this process and the ended ones that it started."""
    return sum(os.times()[:4])


def harness(tasks: list[ScoreTask], jobs: int | None) -> tuple[float, float]:
    """The same of the harness.

    Raises:
        SystemExit: a score was not had, and the comparison would be of different work.
    """
    start, work = time.perf_counter(), processor_s()
    results = list(score_all(tasks, jobs))
    seconds = time.perf_counter() - start, processor_s() - work
    missing = [row for result in results for row in result.scores if row["value"] is None]
    if missing or any(result.lost for result in results):
        raise SystemExit(f"{missing or [result.lost for result in results if result.lost]}")
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--systems", type=int, default=8)
    options.add_argument("--utterances", type=int, default=24)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--jobs", type=int, default=None)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tasks = renderings(Path(folder), given.systems, given.utterances)
        seconds = sum(len(read_flac(task.audio)) for task in tasks) / RATE
        print(
            f"{len(tasks)} renderings, {seconds:.0f} s of audio, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        for repeat in range(given.repeats):
            (first, first_work), (second, second_work) = bare(tasks), harness(tasks, given.jobs)
            print(
                f"{repeat + 1}: bare {first:.1f} s ({first_work:.1f} s of processor), "
                f"harness {second:.1f} s ({second_work:.1f} s), "
                f"ratio {second / first:.2f} ({second_work / first_work:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()

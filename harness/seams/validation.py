"""How often the seam measures see planted defects, and how often they see what is not there.

Real speech is measured on grids that nothing happened at, at phases drawn at random: whatever is seen is a false alarm.
The same speech with defects of known size (``planted``) gives the sensitivity, of one clip and of several together.

    python -m harness.seams.validation                    the speech in the repository
    python -m harness.seams.validation MANIFEST.csv ...   and other corpora: CSV with utterance_id, speaker_id, path
    python -m harness.seams.validation --write            keep the figures beside this file, for reports to quote
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.corpus import SHIPPED
from harness.seams.detectability import seam_detectability
from harness.seams.grid_scan import scan
from harness.seams.identity import identity
from harness.seams.planted import CONTROLS, DEFECTS, untouched
from harness.seams.summary import seam_summary
from harness.seams.table import seam_table

FIGURES = Path(__file__).with_name("validation.json")
PERIOD = 5120  # samples, 320 ms, as in the notes
PHASES = 4  # grids a clip
TOGETHER = 20  # clips in a pooled experiment
EXPERIMENTS = 60
Z_ALARM, P_ALARM = 2.0, 0.05
SHORTEST_S = 2.0


@dataclass(frozen=True, slots=True)
class Clip:
    """Real speech: float64 ``[n]`` at 16 kHz."""

    name: str
    speaker: str
    samples: np.ndarray


@cache
def recorded_figures() -> dict[str, Any] | None:
    """What :func:`validate` gave when it was last kept, or None."""
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else None


def read_clips(manifests: list[Path]) -> list[Clip]:
    """The utterances of some manifests that are long enough to hold a few seams."""
    from streamflow.audio import load_audio

    clips = []
    for manifest in manifests:
        with manifest.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                samples = load_audio(manifest.parent / row["path"]).astype(np.float64)
                if len(samples) >= SHORTEST_S * 16_000:
                    clips.append(Clip(row["utterance_id"], row["speaker_id"], samples))
    return clips


def grids(clip: Clip, count: int, rng: np.random.Generator, period: int = PERIOD) -> Iterator[list[int]]:
    """``count`` grids of one period at phases drawn at random."""
    for phase in rng.integers(0, period, count):
        yield list(range(int(phase) or period, len(clip.samples), period))


def tables(
    clips: list[Clip], defect: Callable[..., np.ndarray], phases: int, seed: int, period: int = PERIOD
) -> list[list[pd.DataFrame]]:
    """The seam table of every clip at every phase: ``[phases][clips]``."""
    rng = np.random.default_rng(seed)
    found: list[list[pd.DataFrame]] = [[] for _ in range(phases)]
    for clip in clips:
        for phase, seams in enumerate(grids(clip, phases, rng, period)):
            table = seam_table(defect(clip.samples, seams), seams)
            found[phase].append(table.assign(utterance=clip.name))
    return found


def single_rates(by_phase: list[list[pd.DataFrame]]) -> dict[str, dict[str, float]]:
    """By measure over clips and phases: share with z above 2 and with p below 0.05, mean and deviation of z."""
    rows = [
        seam_summary(table, resamples=400, seed=index)[["z", "p"]]
        for index, table in enumerate(table for tables_ in by_phase for table in tables_)
        if not table.empty
    ]
    return _rates(pd.concat(rows))


def pooled_rates(
    by_phase: list[list[pd.DataFrame]], speakers: dict[str, str], experiments: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """The same of experiments with 20 clips, drawn without replacement, each at one of its phases."""
    rng = np.random.default_rng(seed)
    rows, areas = [], []
    count = len(by_phase[0])
    for index in range(experiments):
        chosen = rng.choice(count, min(TOGETHER, count), replace=False)
        table = pd.concat([by_phase[rng.integers(len(by_phase))][clip] for clip in chosen])
        summary = seam_summary(table, speakers=speakers, resamples=400, seed=index)
        rows.append(summary[["z", "p", "effect_low", "effect_high"]])
        areas.append(seam_detectability(table, speakers=speakers, seed=index).iloc[0])
    rates = _rates(pd.concat(rows))
    area = pd.DataFrame(areas)
    rates["detectability"] = {
        "auc": _round(area["auc"].mean()), "auc_sd": _round(area["auc"].std(ddof=0)),
        "above_half": _round((area["low"] > 0.5).mean()),
        "outside_half": _round(((area["low"] > 0.5) | (area["high"] < 0.5)).mean()),
    }  # fmt: skip
    return rates


def _rates(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    found = {}
    for measure, part in rows.groupby(level=0, sort=False):
        z, p = part["z"].dropna(), part["p"].dropna()
        if z.empty:
            continue
        found[str(measure)] = {
            "z_above_2": _round((z > Z_ALARM).mean()),
            "p_below_05": _round((p < P_ALARM).mean()) if len(p) else None,
            "z_mean": _round(z.mean()), "z_sd": _round(z.std(ddof=0)), "n": len(z),
        }  # fmt: skip
        if "effect_low" in part:
            apart = (part["effect_low"] > 0) | (part["effect_high"] < 0)
            found[str(measure)]["interval_without_zero"] = _round(apart.mean())
    return found


def scan_rates(clips: list[Clip], seed: int = 0) -> dict[str, dict[str, float]]:
    """How often the grid is found where it is, and where there is none."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, (defect, _) in {"untouched": CONTROLS["untouched"], **DEFECTS}.items():
        hits = right = 0
        chosen = clips if defect is untouched else clips[::4]
        for clip in chosen:
            seams = next(grids(clip, 1, rng))
            result = scan(defect(clip.samples, seams), seed=int(rng.integers(2**31)))
            hits += result.found
            right += result.found and abs(result.period_samples - PERIOD) < 8
        shares = {"found": _round(hits / len(chosen)), "right_period": _round(right / len(chosen))}
        found[name] = {**shares, "n": len(chosen)}
    return found


def validate(clips: list[Clip], phases: int = PHASES, experiments: int = EXPERIMENTS, seed: int = 0) -> dict[str, Any]:
    """All rates: false alarms of untouched speech and of noise, sensitivity to each defect, and the search for grids."""
    speakers = {clip.name: clip.speaker for clip in clips}
    figures: dict[str, Any] = {
        "clips": len(clips), "speakers": len(set(speakers.values())), "period_s": PERIOD / 16_000, "phases": phases,
        "clips_together": min(TOGETHER, len(clips)), "experiments": experiments,
        "minutes": _round(sum(len(clip.samples) for clip in clips) / 16_000 / 60), "single": {}, "pooled": {},
    }  # fmt: skip
    for name, (defect, _) in {**CONTROLS, **DEFECTS}.items():
        control = defect is untouched
        some = clips if control else clips[::2]  # false alarms are few, and need many to be counted
        by_phase = tables(some, defect, phases if control else 1, seed)
        figures["single"][name] = single_rates(by_phase)
        count = experiments if control else max(1, experiments // 10)
        figures["pooled"][name] = pooled_rates(by_phase, speakers, count, seed)
    figures["scan"] = scan_rates(clips, seed)
    return figures


def _round(value: float) -> float:
    return round(float(value), 4)


def _print(figures: dict[str, Any]) -> None:
    print(f"{figures['clips']} clips, {figures['speakers']} speakers, {figures['minutes']} min")
    for kind in ("single", "pooled"):
        for name, rates in figures[kind].items():
            print(f"\n{kind}, {name}")
            for measure, row in rates.items():
                print(f"  {measure:16}" + "  ".join(f"{key} {value}" for key, value in row.items()))
    print("\ngrid search")
    for name, row in figures["scan"].items():
        print(f"  {name:16}" + "  ".join(f"{key} {value}" for key, value in row.items()))


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser("python -m harness.seams.validation", description=str(__doc__).splitlines()[0])
    parser.add_argument("manifests", nargs="*", type=Path, help="corpora beside the shipped one")
    parser.add_argument("--corpus", default="", help="what reports are to call MANIFEST; default: where it lies")
    parser.add_argument("--phases", type=int, default=PHASES, help="grids a clip of untouched speech")
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS, help="pooled experiments with untouched speech")
    parser.add_argument("--limit", type=int, default=None, help="clips, spread over all")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {FIGURES.name}")
    chosen = parser.parse_args(arguments)
    clips = read_clips([SHIPPED, *chosen.manifests])
    if chosen.limit:
        clips = [clips[i] for i in np.unique(np.linspace(0, len(clips) - 1, chosen.limit).astype(int))]
    started = time.monotonic()
    figures = validate(clips, chosen.phases, chosen.experiments)
    _print(figures)
    print(f"\n{time.monotonic() - started:.0f} s")
    if chosen.write:
        given = ["MANIFEST"] * bool(chosen.manifests)  # no machine's own path
        corpus = chosen.corpus or ", ".join(str(Path(*path.parts[-2:])) for path in chosen.manifests)
        changed = {"phases": PHASES, "experiments": EXPERIMENTS, "limit": None}
        flags = [f"--{name}={value}" for name in changed if (value := getattr(chosen, name)) != changed[name]]
        command = shlex.join(["python", "-m", "harness.seams.validation", *given, *flags, "--write"])
        noted = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "command": command, "corpus": corpus, "identity": identity()}
        FIGURES.write_text(json.dumps({**noted, **figures}, indent=1) + "\n", encoding="utf-8")
        print(f"kept in {FIGURES.name}", file=sys.stderr)


if __name__ == "__main__":
    main()

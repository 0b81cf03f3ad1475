"""Runs on disk with scores that a test chooses: tables as `streamflow compare` writes them, audio only where asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness import toml
from harness.gate.policy import MetricRule, Policy, TailRule
from harness.run import RunFolder
from harness.storage import encode_flac, write_bytes

MARGINS = {"pesq_wb": 0.1, "estoi": 0.01, "mel_distance": 0.1}
UNITS = {"pesq_wb": "MOS-LQO", "estoi": "", "mel_distance": "dB"}
LEVELS = {"pesq_wb": (1.8, 0.3, 0.08), "estoi": (0.75, 0.05, 0.006), "mel_distance": (3.7, 0.3, 0.05)}
"""Mean, spread over utterances and spread over seeds, about what `full` has on the shipped corpus."""
CHUNK = 3840  # samples


def policy(**changes) -> Policy:
    """Three metrics and a tail gate; no latency, no slices, no calibration unless asked for."""
    rules = {name: MetricRule(margin=margin) for name, margin in MARGINS.items()}
    return Policy(**{"metrics": rules, "tail": TailRule(), "calibration": "off", **changes})


def scores(utterances: int = 24, seeds: int = 3, draw: int = 0, noise: int = 0) -> dict[str, np.ndarray]:
    """Values ``[utterances, seeds]`` by metric: ``draw`` chooses the utterances, ``noise`` what the seeds make of them."""
    difficulty, rolled = np.random.default_rng([draw, 1]), np.random.default_rng([draw, noise, 2])
    return {
        name: mean
        + spread * difficulty.standard_normal((utterances, 1))
        + jitter * rolled.standard_normal((utterances, seeds))
        for name, (mean, spread, jitter) in LEVELS.items()
    }


def write_run(
    path: Path,
    values: Mapping[str, np.ndarray],
    *,
    seeds: Sequence[int] | None = None,
    systems: Sequence[str] = ("full",),
    speakers: int = 8,
    identity: str = "1.0",
    chunk: int = CHUNK,
    audio_hash: str = "a",
    descriptions: Mapping[str, Mapping] | None = None,
    failures: Sequence[tuple[str, int, str]] = (),
    compute_s: float = 0.05,
    audio: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Write a run.

    Args:
        path: its folder.
        values: ``[utterances, seeds]`` by metric, the same for every system; NaN is unscored.
        seeds: their names; 0, 1, ... by default.
        systems: names.
        speakers: utterances are dealt to them in turn.
        identity: of every metric.
        chunk: samples.
        audio_hash: what the recordings' hashes begin with.
        descriptions: of systems, for the provenance.
        failures: system, utterance's number and stage; the rendering's rows are left out.
        compute_s: of each chunk.
        audio: float ``[n]`` by utterance id, written as reference and as every rendering.
    """
    count, width = next(iter(values.values())).shape
    seeds = list(range(width) if seeds is None else seeds)
    people = [
        {"utterance_id": f"u{i:03d}", "speaker_id": f"s{i % speakers}", "text": f"Text {i}."} for i in range(count)
    ]
    failed = {(system, i) for system, i, _ in failures}
    tables: dict[str, list[dict]] = {
        name: [] for name in ("scores", "traces", "latency", "seams", "failures", "profiles")
    }
    for system in systems:
        for i, person in enumerate(people):
            for column, seed in enumerate(seeds):
                who = {"system": system, "utterance": person["utterance_id"], "seed": seed}
                if (system, i) not in failed:
                    _rows(
                        tables,
                        who,
                        person["speaker_id"],
                        {k: v[i, column] for k, v in values.items()},
                        identity,
                        chunk,
                        compute_s,
                    )
    tables["failures"] = [
        {"system": s, "utterance": f"u{i:03d}", "seed": seeds[0], "stage": stage, "error": "ValueError: no"}
        for s, i, stage in failures
    ]
    folder = RunFolder(path)
    folder.write_tables(tables)
    for name, samples in (audio or {}).items():
        write_bytes(folder.reference(name), encode_flac(samples))
        for system in systems:
            for seed in seeds:
                write_bytes(folder.audio(system, name, None if seed == seeds[0] else seed), encode_flac(samples))
    experiment = {"corpus": "manifest.csv", "checkpoint": "small", "seeds": seeds}
    write_bytes(
        path / "run.toml", toml.dumps({**experiment, "systems": {s: {"strategy": s} for s in systems}}).encode()
    )
    write_bytes(path / "utterances.json", json.dumps(people).encode())
    provenance = {
        "audio_sha256": {person["utterance_id"]: f"{audio_hash}{i}" for i, person in enumerate(people)},
        "systems": descriptions or {system: {"strategy": system} for system in systems},
        "hardware": {"cpu": "Some CPU", "cores": 2, "torch_threads": 1},
        "checkpoint": {"name": "small", "sha256": {}},
    }
    write_bytes(path / "provenance.json", json.dumps(provenance).encode())
    return path


def _rows(
    tables: dict[str, list[dict]],
    who: dict,
    speaker: str,
    values: Mapping[str, float],
    identity: str,
    chunk: int,
    compute_s: float,
) -> None:
    for metric, value in values.items():
        absent = bool(np.isnan(value))
        tables["scores"].append(
            {
                **who, "speaker": speaker, "metric": metric, "identity": f"{metric}[{identity}]", "unit": UNITS[metric],
                "value": None if absent else float(value), "unscored_because": "a process died" if absent else "",
            }
        )  # fmt: skip
    for index in range(4):
        tables["traces"].append(
            {
                **who, "index": index, "start_sample": index * chunk, "seam_sample": index * chunk, "samples": chunk,
                "tokens_in": 6 * (index + 1), "arrived_s": 0.24 * (index + 1) + compute_s, "compute_s": compute_s,
                "dit_s": compute_s, "vocoder_s": 0.0, "other_s": 0.0,
            }
        )  # fmt: skip
    tables["latency"].append(
        {
            **who, "duration_s": 0.96, "tokens": 24, "first_packet_s": compute_s, "rtf": 4 * compute_s / 0.96,
            "chunk_p50_s": compute_s, "chunk_p95_s": None, "dit_s": 4 * compute_s, "vocoder_s": 0.0, "other_s": 0.0,
            "peak_memory_mb": 100.0, "algorithmic_latency_s": 0.24,
        }
    )  # fmt: skip

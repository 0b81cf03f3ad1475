"""A small run of real speech with traces, and studies on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness import toml
from harness.run import Run, RunFolder
from harness.storage import encode_flac, read_flac, write_bytes
from listening_tests.study import Study

RATE, CHUNK = 16_000, 8_000
SHIPPED = Path(__file__).parents[3] / "corpora" / "shipped"
NAMES = ("flite_slt_1", "flite_rms_1", "flite_awb_1", "flite_slt_3", "flite_rms_3", "flite_awb_3")
SYSTEMS = {"full": (1.0, None), "secretstream": (0.5, CHUNK), "naive": (0.8, CHUNK)}  # gain, chunk
SCORES = {"full": 3.0, "secretstream": 2.0, "naive": 1.0}


def speech() -> dict[str, np.ndarray]:
    """Six utterances, float32 at 16 kHz, by name."""
    return {name: soundfile.read(SHIPPED / f"{name}.flac", dtype="float32")[0] for name in NAMES}


def write_run(path: Path) -> Path:
    """The systems are copies at other gains, so that everything about them is known; ``naive`` failed on the last one."""
    folder, traces, failures, scores = RunFolder(path), [], [], []
    for name, samples in speech().items():
        write_bytes(folder.reference(name), encode_flac(samples))
        for system, (gain, chunk) in SYSTEMS.items():
            who = {"system": system, "utterance": name}
            if system == "naive" and name == NAMES[-1]:
                failures.append({**who, "stage": "decode", "error": "ValueError: no"})
                continue
            decoded = np.pad(gain * samples, (0, 240))  # decoders yield whole tokens
            write_bytes(folder.audio(system, name), encode_flac(decoded))
            traces += _trace(who, len(decoded), chunk)
            value = {"metric": "pesq_wb", "identity": "", "value": SCORES[system], "unit": "", "unscored_because": ""}
            scores.append({**who, "speaker": name[:9], "seed": 0, **value})
    tables = {"traces": traces, "scores": scores, "seams": [], "latency": [], "failures": failures}
    folder.write_tables(tables)
    utterances = [{"utterance_id": name, "speaker_id": name[:9], "text": f"This is {name}."} for name in NAMES]
    write_bytes(path / "utterances.json", json.dumps(utterances).encode())
    table = {"corpus": "shipped", "systems": {name: {"strategy": name} for name in SYSTEMS}}
    write_bytes(path / "run.toml", toml.dumps(table).encode())
    return path


def _trace(who: dict[str, str], length: int, chunk: int | None) -> list[dict[str, Any]]:
    starts = range(0, length, chunk) if chunk else [0]
    rows = []
    for index, start in enumerate(starts):
        samples = min(chunk or length, length - start)
        rows.append(
            {
                **who, "seed": 0, "index": index, "start_sample": start, "seam_sample": start and start + 160,
                "samples": samples, "tokens_in": 1, "arrived_s": (start + samples) / RATE + 0.1 * (index + 1),
                "compute_s": 0.1, "dit_s": 0.1, "vocoder_s": 0.0, "other_s": 0.0,
            }
        )  # fmt: skip
    return rows


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(write_run(tmp_path_factory.mktemp("runs") / "small"))


@pytest.fixture(scope="session")
def recordings() -> dict[str, np.ndarray]:
    return speech()


@pytest.fixture(scope="session")
def decoded(run: Run) -> Callable[[str, str], np.ndarray]:
    """What the run holds, float64."""
    return lambda system, name: read_flac(run.path / "audio" / system / f"{name}.flac").astype(np.float64)


@pytest.fixture
def make() -> Callable[..., Study]:
    def make_study(protocol: str = "acr-naturalness", **changes: Any) -> Study:
        changes.setdefault("systems", ("full", "secretstream"))
        return Study(title="Naturalness", protocol=protocol, **changes)

    return make_study

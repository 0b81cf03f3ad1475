"""A browser, and a live server with a small real study of every protocol."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from harness import toml
from harness.run import RunFolder
from harness.storage import encode_flac, write_bytes

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHIPPED = Path(__file__).parents[2] / "corpora" / "shipped"
RATE = 16_000
CHUNK = 7_680  # samples: 0.48 s, so that a clip has seams
CLIP_S = 1.7  # long enough for a trap of beeps, short enough to listen to everything in real time
SYSTEMS = ("full", "naive", "streamflow-sr")
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def speech() -> dict[str, np.ndarray]:
    """Eight real sentences, cut short; float32 at 16 kHz."""
    found = {}
    for path in sorted(SHIPPED.glob("flite_*_[1-4].flac"))[:8]:
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        found[path.stem] = samples[: int(CLIP_S * RATE)] * np.minimum(1, np.arange(int(CLIP_S * RATE), 0, -1) / 800)
    return found


def decoded(system: str, samples: np.ndarray) -> np.ndarray:
    """What a system makes of a recording: dull, or dull with a step of the level at every seam, or with a little noise."""
    out = sosfilt(butter(4, 3400, fs=RATE, output="sos"), samples).astype(np.float32)
    if system == "naive":
        for start in range(CHUNK, len(out), 2 * CHUNK):
            out[start : start + CHUNK] *= 0.6
    if system == "streamflow-sr":
        out += np.random.default_rng(1).normal(0, 1e-3, len(out)).astype(np.float32)
    return out


def write_run(path: Path) -> Path:
    """A run that studies can be made from: audio and traces, nothing scored."""
    folder, traces = RunFolder(path), []
    for name, samples in speech().items():
        write_bytes(folder.reference(name), encode_flac(samples))
        for system in SYSTEMS:
            write_bytes(folder.audio(system, name), encode_flac(decoded(system, samples)))
            starts = [0] if system == "full" else list(range(0, len(samples), CHUNK))
            for index, start in enumerate(starts):
                length = min(CHUNK, len(samples) - start) if len(starts) > 1 else len(samples)
                arrived = (start + length) / RATE + 0.1 + 0.2 * (index == 2)
                traces.append(
                    {
                        "system": system, "utterance": name, "seed": 0, "index": index, "start_sample": start,
                        "samples": length, "tokens_in": (start + length) // 640, "seam_sample": start,
                        "arrived_s": arrived, "compute_s": 0.1, "dit_s": 0.07, "vocoder_s": 0.02, "other_s": 0.01,
                    }
                )  # fmt: skip
    scores = [{"system": system, "utterance": "flite_awb_1", "speaker": "flite_awb", "seed": 0, "metric": "stoi",
               "identity": "stoi", "value": value, "unit": "", "unscored_because": ""}
              for system, value in zip(SYSTEMS, (0.9, 0.7, 0.8), strict=True)]  # fmt: skip
    folder.write_tables({"traces": traces, "scores": scores, "seams": [], "latency": [], "failures": []})
    utterances = [{"utterance_id": name, "speaker_id": name[:-2], "text": f"This is {name}."} for name in speech()]
    write_bytes(path / "utterances.json", json.dumps(utterances).encode())
    experiment = {"corpus": "corpora/shipped/manifest.csv", "checkpoint": "small", "seed": 0}
    experiment["systems"] = {name: {"decoder": name} for name in SYSTEMS}
    write_bytes(path / "run.toml", toml.dumps(experiment).encode())
    write_bytes(path / "provenance.json", b"{}")
    return path


CHANGES: dict[str, Any] = {
    "design.listeners": 24, "design.trials": 2, "break_every": 1, "screening.training": 1, "screening.traps": 0,
    "languages": ["en", "de", "zh", "es"], "title": "How does this speech sound?",
}  # fmt: skip
PAIR_SYSTEMS = {"abx-offline": ("naive", "streamflow-sr"), "seam-locating": ("naive", "streamflow-sr")}


@pytest.fixture(scope="session")
def listening_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "small")

"""A small finished run on real speech, laid out as `streamflow compare` does, without weights.

Five systems with something to show: ``full`` is slightly dull, ``naive`` has a gain step and a slip at every seam,
``streamflow-sr`` is ``full`` in chunks, ``copy-synthesis`` is the recording itself; one has a name to be
escaped. Scores and seams are really measured; timings are made up, so that a run is the same on every machine.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

from harness import toml
from harness.metrics import score_pair
from harness.run import RunFolder
from harness.seams import seam_table
from harness.storage import encode_flac, read_flac, write_bytes

RATE = 16_000
CHUNK = 15_360  # samples: four blocks of 24 frames
HELD_BACK = 160  # samples by which the seams of one system lie behind its chunks' edges
SHIPPED = Path(__file__).parents[2] / "corpora" / "shipped"
METRICS = ("stoi", "mel_distance", "f0_median_cents")
HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror=alert(1)> & "quoted"'
SYSTEMS = ("full", "naive", "streamflow-sr", "copy-synthesis", "o'brien & co")


def dull(reference: np.ndarray) -> np.ndarray:
    """The recording below 3.4 kHz."""
    return sosfilt(butter(4, 3400, fs=RATE, output="sos"), reference).astype(np.float32)


def seamed(reference: np.ndarray) -> np.ndarray:
    """The recording with the level alternating by 3 dB and a slip of 8 samples at each seam."""
    out = dull(reference)
    for start in range(0, len(out), CHUNK):
        piece = out[start : start + CHUNK]
        if (start // CHUNK) % 2:
            out[start : start + CHUNK] = 0.7 * np.roll(piece, 8)
    return out


DECODERS = {
    "full": (dull, None),
    "naive": (seamed, CHUNK),
    "streamflow-sr": (dull, CHUNK),
    "copy-synthesis": (lambda reference: reference.copy(), None),
    "o'brien & co": (dull, CHUNK),
}


def speech() -> list[dict]:
    """Five short utterances of three speakers and one of 11 s, with samples; one text is hostile."""
    names = ("flite_slt_1", "flite_slt_2", "flite_rms_1", "flite_rms_2", "flite_awb_1")
    audio = {name: soundfile.read(SHIPPED / f"{name}.flac", dtype="float32")[0] for name in names}
    found = [
        {"utterance_id": name, "speaker_id": name.rsplit("_", 1)[0], "text": f"This is {name}.", "samples": samples}
        for name, samples in audio.items()
    ]
    found[1]["text"] = HOSTILE
    long = np.concatenate([*audio.values(), *audio.values()])[: 11 * RATE]
    return [*found, {"utterance_id": "a&b 'long'", "speaker_id": "several", "text": "", "samples": long}]


def make_run(path: Path) -> Path:
    """Write the run; ``naive`` fails on the last utterance, and one STOI could not be had."""
    folder = RunFolder(path)
    utterances = speech()
    tables: dict[str, list[dict]] = {name: [] for name in ("traces", "scores", "seams", "latency", "failures")}
    for utterance in utterances:
        write_bytes(folder.reference(utterance["utterance_id"]), encode_flac(utterance["samples"]))
    for system in SYSTEMS:
        for utterance in utterances:
            if system == "naive" and utterance is utterances[-1]:
                who = {"system": system, "utterance": utterance["utterance_id"], "seed": 0}
                tables["failures"].append({**who, "stage": "decode", "error": f"ValueError: {HOSTILE}"})
                continue
            _render(folder, tables, system, utterance)
    folder.write_tables(tables)
    known = [{key: value for key, value in u.items() if key != "samples"} for u in utterances]
    write_bytes(path / "utterances.json", json.dumps(known).encode())
    experiment = {"corpus": "corpora/shipped/manifest.csv", "checkpoint": "small", "seed": 0}
    experiment["systems"] = {name: {"decoder": name} for name in SYSTEMS}
    write_bytes(path / "run.toml", toml.dumps(experiment).encode())
    write_bytes(path / "provenance.json", json.dumps(PROVENANCE).encode())
    return path


PROVENANCE = {
    "created": "2026-11-21T02:00:00+00:00",
    "command": ["streamflow", "compare", "--corpus", "corpora/shipped/manifest.csv", "--out", "runs/a run"],
    "python": "3.11.7",
    "versions": {"torch": "2.13.0", "numpy": "2.4.6"},
    "hardware": {"system": "Linux", "cpu": "Some CPU", "cores": 2, "torch_threads": 2, "accelerator": None},
    "checkpoint": {"name": "small", "sha256": {"decoder.safetensors": "0123456789abcdef"}},
    "git": {"commit": "0123456789abcdef0123", "dirty": True},
}


def _render(folder: RunFolder, tables: dict[str, list[dict]], system: str, utterance: dict) -> None:
    decode, chunk = DECODERS[system]
    name = utterance["utterance_id"]
    who = {"system": system, "utterance": name, "seed": 0}
    write_bytes(folder.audio(system, name), encode_flac(decode(utterance["samples"])))
    samples, reference = read_flac(folder.audio(system, name)), read_flac(folder.reference(name))
    starts = list(range(0, len(samples), chunk)) if chunk else [0]
    slower = 1.04 if system == "naive" else 1.0  # each chunk than the one before
    for index, start in enumerate(starts):
        length = min(chunk or len(samples), len(samples) - start)
        compute = 0.30 * length / RATE * slower**index
        tokens = -(-(start + length) // 640)
        tables["traces"].append(
            {
                **who, "index": index, "start_sample": start, "samples": length, "tokens_in": tokens, "tokens_per_second": 25.0,
                "seam_sample": start + HELD_BACK * (start > 0 and system == "o'brien & co"),
                "arrived_s": tokens / 25 + compute, "compute_s": compute, "dit_s": 0.7 * compute,
                "vocoder_s": 0.2 * compute, "other_s": 0.1 * compute,
            }
        )  # fmt: skip
    computes = [row["compute_s"] for row in tables["traces"][-len(starts) :]]
    duration, total = len(samples) / RATE, sum(computes)
    tables["latency"].append(
        {
            **who, "duration_s": duration, "tokens": -(-len(samples) // 640), "first_packet_s": computes[0],
            "rtf": total / duration, "chunk_p50_s": float(np.median(computes)), "chunk_p95_s": None,
            "dit_s": 0.7 * total, "vocoder_s": 0.2 * total, "other_s": 0.1 * total, "peak_memory_mb": 512.0,
            "algorithmic_latency_s": 0.96 if chunk else None,
        }
    )  # fmt: skip
    scores = score_pair(samples, reference, list(METRICS))
    if system == "full" and name == "flite_rms_1":
        scores[0] = {**scores[0], "value": None, "unscored_because": f"too short for {HOSTILE}"}
    tables["scores"] += [{**who, "speaker": utterance["speaker_id"], **score} for score in scores]
    joins = [row["seam_sample"] for row in tables["traces"][-len(starts) :]][1:]
    seams = seam_table(samples, joins, reference, RATE)
    tables["seams"] += [{**who, **row} for row in seams.to_dict("records")]

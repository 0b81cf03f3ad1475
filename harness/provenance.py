"""Where a run comes from: code, weights, recordings, libraries, machine and command."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

import streamflow

PACKAGES = (
    "streamflow-harness", "torch", "numpy", "scipy", "pandas", "pyarrow", "soundfile", "soxr", "pyloudnorm",
    "pesq", "pystoi", "pyworld", "resemblyzer", "speechbrain", "safetensors", "plotly",
    "speechmos", "onnxruntime", "visqol-python", "jiwer", "transformers", "pocketsphinx",
)  # fmt: skip
NOT_DECODING = ("training",)  # parts of streamflow that a rendering cannot depend on


@functools.cache
def code_sha256() -> str:
    """Hash of the source that renderings depend on: ``streamflow`` without training, and the driver of sessions.

    The source rather than a version number, so that a change between releases is noticed.
    """
    package = Path(streamflow.__file__).parent
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in NOT_DECODING]
    digest = hashlib.sha256()
    for path in [*sorted(files), Path(__file__).with_name("render.py")]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def torch_version() -> str:
    """Part of a rendering's key: kernels change between releases."""
    return _version("torch") or ""


def provenance(
    *,
    checkpoint: str,
    hashes: Mapping[str, str],
    audio: Mapping[str, str],
    metrics: Mapping[str, str],
    systems: Mapping[str, Any],
    command: list[str] | None,
    before: Mapping[str, Any] | None,
    tokens: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What ``provenance.json`` holds.

    Args:
        checkpoint: name or folder of the bundle.
        hashes: SHA-256 of each weight file by name.
        audio: SHA-256 of each recording by utterance id.
        metrics: identity by metric name.
        systems: description by system name.
        command: as typed; None for this process's.
        tokens: SHA-256 of each file of tokens by utterance id, of a manifest that has them.
        before: the file as the last start left it; its ``starts`` are continued, since a run that was resumed comes
            from each of them.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    start = {
        "time": now,
        "command": command or sys.argv,
        "git": git_state(),
        "code_sha256": code_sha256(),
        "hardware": hardware(),
    }
    earlier = list((before or {}).get("starts", []))
    return {
        "created": (before or {}).get("created", now),
        "command": start["command"],
        "git": start["git"],
        "code_sha256": code_sha256(),
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "hardware": start["hardware"],
        "checkpoint": {"name": str(checkpoint), "sha256": dict(hashes)},
        "systems": dict(systems),
        "metrics": dict(metrics),
        "audio_sha256": dict(audio),
        **({"tokens_sha256": dict(tokens)} if tokens else {}),
        "starts": [*earlier, start],
    }


def hardware() -> dict[str, Any]:
    """The machine, and how much of it torch may use: a latency means nothing without."""
    import torch

    return {
        "system": platform.platform(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "torch_threads": torch.get_num_threads(),
        "load_average": os.getloadavg()[0],
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def git_state() -> dict[str, Any] | None:
    """Commit and whether the tree differs from it, of the checkout that the code is from; None outside of one."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if git("ls-files", "--error-unmatch", __file__) is None:  # installed inside somebody else's repository
        return None
    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    return {"commit": commit, "dirty": bool(changes)} if commit else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

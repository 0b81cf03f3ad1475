"""Real speech with its texts, and speech made worse in a known way."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streamflow.audio import load_audio


@pytest.fixture(scope="session")
def rows(shipped_corpus: Path) -> dict[str, dict[str, str]]:
    """The shipped corpus by utterance."""
    with shipped_corpus.open(encoding="utf-8", newline="") as file:
        return {row["utterance_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def voices(shipped_corpus: Path, rows: dict[str, dict[str, str]]) -> dict[str, np.ndarray]:
    """Float32 ``[n]`` at 16 kHz by utterance."""
    return {name: load_audio(shipped_corpus.parent / row["path"]) for name, row in rows.items()}


@pytest.fixture(scope="session")
def speech(voices: dict[str, np.ndarray]) -> np.ndarray:
    """2.7 s of one voice."""
    return voices["flite_rms_1"]


@pytest.fixture(scope="session")
def noisy() -> Callable[[np.ndarray, float], np.ndarray]:
    """Add white noise at a signal-to-noise ratio in dB, the same noise every time."""

    def add(samples: np.ndarray, snr_db: float) -> np.ndarray:
        noise = np.random.default_rng(0).standard_normal(len(samples))
        return (samples + noise * np.sqrt(np.mean(samples**2)) * 10 ** (-snr_db / 20)).astype(np.float32)

    return add

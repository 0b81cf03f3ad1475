"""Folders of real speech in the formats that people have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

SHIPPED = Path(__file__).parents[3] / "corpora" / "shipped"


@pytest.fixture(scope="session")
def speech() -> list[np.ndarray]:
    """Four shipped recordings, float32 ``[n]`` at 16 kHz, about 2 s each, peaks below 0.7."""
    found = [soundfile.read(path, dtype="float32")[0] for path in sorted(SHIPPED.glob("*.flac"))[:12:3]]
    return [(0.7 * samples / np.abs(samples).max()).astype(np.float32) for samples in found]


@pytest.fixture
def write(speech: list[np.ndarray]) -> Callable[..., Path]:
    """Write one of the recordings under any name, in any format, rate and number of channels."""

    def write(path: Path, which: int = 0, *, rate: int = 16_000, channels: int = 1, **how: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = speech[which % len(speech)]
        samples = samples if rate == 16_000 else soxr.resample(samples, 16_000, rate, quality="VHQ")
        with path.open("wb") as file:
            soundfile.write(file, np.stack([samples] * channels, axis=1), rate, **({"format": "WAV"} | how))
        return path

    return write


@pytest.fixture
def folders(tmp_path: Path, write: Callable[..., Path]) -> Callable[..., dict[str, Path]]:
    """A folder for each name, with the stems given as WAV files."""

    def make(**stems: Sequence[str]) -> dict[str, Path]:
        for folder, names in stems.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            for place, name in enumerate(names):
                write(tmp_path / folder / f"{name}.wav", place)
        return {folder: tmp_path / folder for folder in stems}

    return make

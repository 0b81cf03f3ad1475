"""Real speech of the shipped corpus, and grids to cut it with."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from streamflow.audio import load_audio

SIX = ("flite_rms_1", "flite_slt_4", "flite_awb_3", "festival_ked_diphone_3", "espeak_en-gb_3", "flite_kal16_2")


@pytest.fixture(scope="session")
def corpus(shipped_corpus: Path) -> dict[str, np.ndarray]:
    """Every shipped utterance by id, float64 at 16 kHz: 24 of 8 voices."""
    with shipped_corpus.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["utterance_id"]: load_audio(shipped_corpus.parent / row["path"]).astype(np.float64) for row in rows}


@pytest.fixture(scope="session")
def speakers(shipped_corpus: Path) -> dict[str, str]:
    """Speaker of each shipped utterance."""
    with shipped_corpus.open(encoding="utf-8") as file:
        return {row["utterance_id"]: row["speaker_id"] for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def clips(corpus: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Six voices' worth of speech, 27 s."""
    return [corpus[name] for name in SIX]

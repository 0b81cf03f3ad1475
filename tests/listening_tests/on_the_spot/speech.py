"""Two renderings of one real sentence."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

RATE = 16_000
SHIPPED = Path(__file__).parents[3] / "corpora" / "shipped"


@cache
def spoken(seconds: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """float32 ``[n]``: the recording, and one that is dull."""
    samples, rate = soundfile.read(SHIPPED / "flite_awb_1.flac", dtype="float32")
    assert rate == RATE
    first = samples[: round(seconds * RATE)]
    return first, sosfilt(butter(4, 2500, fs=RATE, output="sos"), first).astype(np.float32)

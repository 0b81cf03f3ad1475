"""Mean absolute log-mel difference in dB."""

from __future__ import annotations

import numpy as np

from harness.metrics.base import Metric, Pair

RANGE_DB = 80.0  # below the reference's loudest band: what lies beneath is noise floor, not speech
DB_PER_NEPER = 20 / np.log(10)


def mel_distance(pair: Pair) -> float:
    """Mean over frames and 80 bands of |difference| in dB, after one gain brings the rendering to the reference's RMS.

    Both are floored 80 dB below the loudest band of the reference, or differences of noise floors in pauses would
    outweigh those in speech.
    """
    from streamflow.mel import log_mel

    gain = np.sqrt(np.mean(pair.reference**2, dtype=np.float64) / np.mean(pair.degraded**2, dtype=np.float64))
    reference = DB_PER_NEPER * log_mel(pair.reference).numpy()
    degraded = DB_PER_NEPER * log_mel(pair.degraded * np.float32(gain)).numpy()
    floor = reference.max() - RANGE_DB
    return float(np.abs(np.maximum(degraded, floor) - np.maximum(reference, floor)).mean(dtype=np.float64))


METRIC = Metric(
    name="mel_distance",
    unit="dB",
    direction="lower",
    source="mean absolute log-mel-spectrogram difference",
    function=mel_distance,
    parameters="16kHz,fft1024,hop160,80-slaney-bands,magnitude,rms-matched,floor-80dB",
    standard=True,
)

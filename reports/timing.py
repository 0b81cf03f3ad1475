"""What the traces and the latency table say about waiting: how flat chunk latency is, and where the time goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.latency import quarter_ratio
from reports.comparison import SAMPLE_RATE, Comparison

PARTS = (("dit_s", "DiT"), ("vocoder_s", "vocoder"), ("other_s", "rest"))


@dataclass(frozen=True, slots=True)
class Growth:
    """Chunk latency in the last quarter of an utterance over that in its first quarter."""

    ratio: float  # median over utterances
    utterances: int
    longest_s: float  # duration of the longest of them


def growth(comparison: Comparison, system: str) -> Growth | None:
    """Median over utterances of ``harness.latency.quarter_ratio``; None where all are too short."""
    traces = comparison.traces[comparison.traces["system"] == system]
    ratios, longest = [], 0.0
    for _, rows in traces.groupby(["utterance", "seed"], sort=False):
        ratio = quarter_ratio(rows)
        if ratio is not None:
            ratios.append(ratio)
            longest = max(longest, float((rows["start_sample"] + rows["samples"]).max()) / SAMPLE_RATE)
    return Growth(float(np.median(ratios)), len(ratios), longest) if ratios else None


def time_split(comparison: Comparison, system: str) -> dict[str, float]:
    """Seconds of compute for a second of audio, by part: DiT, vocoder, rest. Empty where nothing was timed."""
    rows = comparison.latency[comparison.latency["system"] == system]
    total = float(rows["duration_s"].sum())
    return {label: float(rows[column].sum()) / total for column, label in PARTS} if total > 0 else {}


def wait_for_sound(comparison: Comparison, system: str) -> float:
    """Median seconds until sound: the audio time that must have come before, and the first packet's compute.

    A system without a finite algorithmic latency needs the whole utterance, so its duration is the audio time.
    """
    rows = comparison.latency[comparison.latency["system"] == system]
    if rows.empty:
        return math.nan
    ahead = pd.to_numeric(rows["algorithmic_latency_s"], errors="coerce").replace([math.inf], math.nan)
    return float((ahead.fillna(rows["duration_s"]) + rows["first_packet_s"]).median())

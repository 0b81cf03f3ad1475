"""Which metrics are shown together: a table of thirty columns can be neither read nor printed."""

from __future__ import annotations

from collections.abc import Iterable

from reports.comparison import MetricColumn
from reports.formatting import join

MOST_TOGETHER = 8  # columns of one table that a page of 1400 px still shows whole

GROUPS: dict[str, tuple[str, ...]] = {
    "Quality": ("pesq", "visqol", "dnsmos", "plcmos", "utmos", "nisqa"),
    "Intelligibility": ("stoi", "estoi", "wer", "cer"),
    "Spectrum": ("mcd", "mel_distance", "log_spectral_distance", "energy_correlation"),
    "Prosody": ("f0", "voicing_error", "gross_pitch_error"),
    "Speaker and timing": ("speaker_similarity", "duration_ratio", "delay"),
}
"""Titles, and how the names of their metrics begin."""
REST = "Other"


def group_of(metric: MetricColumn) -> str:
    """The title under which a metric is shown."""
    for title, beginnings in GROUPS.items():
        if metric.name.startswith(beginnings):
            return title
    return REST


def grouped(metrics: Iterable[MetricColumn]) -> list[tuple[str, list[MetricColumn]]]:
    """(title, metrics) in the order of GROUPS, small groups together; one with title "" where one table holds all."""
    metrics = list(metrics)
    if len(metrics) <= MOST_TOGETHER:
        return [("", metrics)]
    found: dict[str, list[MetricColumn]] = {title: [] for title in (*GROUPS, REST)}
    for metric in metrics:
        found[group_of(metric)].append(metric)
    packed: list[tuple[list[str], list[MetricColumn]]] = []
    for title, members in found.items():
        if not members:
            continue
        if packed and len(packed[-1][1]) + len(members) <= MOST_TOGETHER:
            packed[-1][0].append(title)
            packed[-1][1].extend(members)
        else:
            packed.append(([title], list(members)))
    return [(join(titles).capitalize(), members) for titles, members in packed]

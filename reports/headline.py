"""The summary at the top: sentences put together from the run's numbers and from nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.comparison import Comparison, MetricColumn
from reports.formatting import count, interval, join, number, seconds
from reports.seam_section import said
from reports.timing import growth

TELLING = ("pesq_wb", "stoi", "speaker_similarity")  # the metrics named in words, where a run has them


@dataclass(frozen=True, slots=True)
class Finding:
    """A topic and what the run shows of it."""

    topic: str
    sentences: list[str]


def findings(comparison: Comparison, decimals: dict[str, int]) -> list[Finding]:
    """What a reader should know before the tables; topics that the run holds nothing of are left out."""
    pairs = (
        ("Scope", scope(comparison)),
        ("Sound", sound(comparison, decimals)),
        ("Seams", said(comparison)),
        ("Waiting", waiting(comparison)),
        ("Along an utterance", flatness(comparison)),
    )
    return [Finding(topic, sentences) for topic, sentences in pairs if sentences]


def scope(comparison: Comparison) -> list[str]:
    speakers = len(set(comparison.speaker_of.values()))
    text = (
        f"{count(len(comparison.systems), 'system')}, {count(len(comparison.utterances), 'utterance')} "
        f"by {count(speakers, 'speaker')}."
    )
    expected = len(comparison.systems) * len(comparison.utterances) * comparison.seeds
    failed = sum(comparison.failed_renderings(system) for system in comparison.systems)
    unscored, scores = len(comparison.unscored), len(comparison.all_scores)
    text += f" {failed} of {count(expected, 'rendering')} failed." if failed else " Every rendering succeeded."
    if not scores:
        return [f"{text} There are no scores."]
    return [
        f"{text} {unscored} of {count(scores, 'score')} could not be had."
        if unscored
        else f"{text} Every score was had."
    ]


def sound(comparison: Comparison, decimals: dict[str, int]) -> list[str]:
    """Best decoder in each telling metric, and what the controls reach."""
    sentences = []
    for metric in _telling(comparison):
        ranked = _ranked(comparison, metric, [s for s in comparison.systems if s not in comparison.controls])
        if not ranked:
            continue
        digits = decimals[metric.identity]
        system, estimate = ranked[0]
        text = f"{metric.name}: {system} has the best mean, {number(estimate.mean, digits)}"
        if estimate.has_interval:
            text += f" ({interval(estimate.low, estimate.high, digits)})"
        if len(ranked) > 1:
            text += f"; {ranked[-1][0]} the last, {number(ranked[-1][1].mean, digits)}"
        controls = _ranked(comparison, metric, [s for s in comparison.systems if s in comparison.controls])
        if controls:
            text += "; control " + join(f"{name} {number(value.mean, digits)}" for name, value in controls)
        sentences.append(text + ".")
    return sentences


def waiting(comparison: Comparison) -> list[str]:
    sentences = []
    for system in comparison.systems:
        rows = comparison.latency[comparison.latency["system"] == system]
        if rows.empty or system in comparison.controls:
            continue
        ahead = comparison.algorithmic_latency(system)
        need = f"{seconds(ahead)} of audio" if math.isfinite(ahead) else "the whole utterance"
        if math.isfinite(pauseless := comparison.pauseless_latency(system)):
            need += f" ({seconds(pauseless)} to play without a pause)"
        sentences.append(
            f"{system} needs {need}, then {seconds(float(rows['first_packet_s'].mean()))} to its first packet, "
            f"at a real-time factor of {number(float(rows['rtf'].mean()), 2)}."
        )
    return sentences


def flatness(comparison: Comparison) -> list[str]:
    grown = {
        s: growth(comparison, s) for s in comparison.systems if s not in comparison.controls and comparison.streams(s)
    }
    told = [f"{system} {number(g.ratio)}" for system, g in grown.items() if g]
    if not told:
        return []
    longest = max(g.longest_s for g in grown.values() if g)
    return [
        f"Chunk latency in the last quarter over the first, in utterances of up to {number(longest, 1)} s: {join(told)}."
    ]


def _telling(comparison: Comparison) -> list[MetricColumn]:
    named = [metric for metric in comparison.metrics if metric.name in TELLING]
    return (named or comparison.metrics[:2])[:3]


def _ranked(comparison: Comparison, metric: MetricColumn, systems: list[str]) -> list[tuple]:
    """(system, estimate) from best to worst; nothing where the metric has no better or worse."""
    if not metric.direction:
        return []
    found = [(system, comparison.estimate(system, metric)) for system in systems]
    found = [(system, estimate) for system, estimate in found if estimate.n]
    return sorted(found, key=lambda pair: pair[1].mean, reverse=metric.direction == "higher")

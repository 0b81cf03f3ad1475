"""Which utterances are shown in full where a report cannot hold all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from reports.comparison import Comparison


def spread_over_speakers(utterances: Iterable[dict], most: int) -> list[dict]:
    """At most ``most`` utterances, in turn from each speaker, returned in the order of the corpus."""
    utterances = list(utterances)
    turn: dict[str, int] = {}
    ranked = []
    for position, utterance in enumerate(utterances):
        speaker = str(utterance.get("speaker_id", ""))
        turn[speaker] = turn.get(speaker, 0) + 1
        ranked.append((turn[speaker], position))
    chosen = sorted(position for _, position in sorted(ranked)[:most])
    return [utterances[position] for position in chosen]


def worth_hearing(comparison: Comparison, most: int) -> list[dict]:
    """At most ``most`` utterances: half of them those that lose most against the baseline, the rest spread over speakers.

    All, where they are no more than that. In the order of the corpus.
    """
    if len(comparison.utterances) <= most:
        return list(comparison.utterances)
    losses = largest_losses(comparison)
    worst = set(sorted(losses, key=losses.__getitem__, reverse=True)[: most // 2])
    rest = [u for u in comparison.utterances if u["utterance_id"] not in worst]
    kept = worst | {u["utterance_id"] for u in spread_over_speakers(rest, most - len(worst))}
    return [u for u in comparison.utterances if u["utterance_id"] in kept]


def largest_losses(comparison: Comparison) -> dict[str, float]:
    """By utterance that lost anywhere: the largest loss of a decoder against the baseline, in standard deviations.

    Of the differences of that system in that metric: so metrics of any unit compare.
    """
    losses: dict[str, float] = {}
    for system in comparison.others:
        if system in comparison.controls:
            continue
        for metric in comparison.metrics:
            if not metric.direction:
                continue
            change = comparison.values(system, metric) - comparison.values(comparison.baseline, metric)
            change = change.dropna() * (1 if metric.direction == "higher" else -1)
            spread = float(change.std()) if len(change) > 1 else math.nan
            if not spread > 0:
                continue
            for utterance, value in (-change / spread).items():
                if value > losses.get(str(utterance), 0.0):
                    losses[str(utterance)] = float(value)
    return losses

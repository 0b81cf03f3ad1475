"""Which utterances are shown in full where a report cannot hold all of them."""

from __future__ import annotations

from collections.abc import Iterable


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

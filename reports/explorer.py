"""What the page needs to sort and filter utterances: their scores as plain data."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison import Comparison
from reports.players import PlayerRow


def explorer_data(comparison: Comparison, rows: Sequence[PlayerRow]) -> dict:
    """Scores of the utterances that have players, by system and metric; null where there is none."""
    return {
        "baseline": comparison.baseline,
        "systems": comparison.systems,
        "metrics": [{"name": metric.name, "direction": metric.direction} for metric in comparison.metrics],
        "utterances": [_utterance(comparison, row.utterance) for row in rows],
    }


def _utterance(comparison: Comparison, utterance: dict) -> dict:
    name = utterance["utterance_id"]
    scores = [
        [_value(comparison, system, name, m.identity) for m in comparison.metrics] for system in comparison.systems
    ]
    lacking = any(name not in comparison.decoded(system) for system in comparison.systems) or any(
        value is None for values in scores for value in values
    )
    words = (name, str(utterance.get("speaker_id", "")), utterance.get("text") or "")
    return {"words": " ".join(words).casefold(), "scores": scores, "lacking": lacking}


def _value(comparison: Comparison, system: str, utterance: str, identity: str) -> float | None:
    value = comparison.value_of.get((system, utterance, identity))
    return None if value is None else float(f"{value:.6g}")

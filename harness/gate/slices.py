"""Parts of a corpus that a policy looks at on their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import soundfile

from harness.run import Run

from .policy import SliceRule


def parts_of(
    run: Run, utterances: Sequence[Mapping[str, Any]], rule: SliceRule
) -> tuple[dict[str, list[str]], list[str]]:
    """Utterance ids by part, parts with too few left out.

    Args:
        run: what durations are read from.
        utterances: of the corpus.
        rule: how to cut it.

    Returns:
        The parts by name (``speaker 2136``, ``duration_s 3 to 8``), in the corpus' order; and notes on what was left out.
    """
    parts: dict[str, list[str]] = {}
    for utterance in utterances:
        parts.setdefault(_part(run, utterance, rule), []).append(str(utterance["utterance_id"]))
    unknown = parts.pop("", [])
    notes = [f"slices by {rule.by}: not known of {len(unknown)} utterances"] if unknown else []
    small = [name for name, names in parts.items() if len(names) < rule.fewest]
    if small:
        notes.append(
            f"slices by {rule.by}: {len(small)} of {len(parts)} hold fewer than {rule.fewest} utterances, left out"
        )
    return {name: names for name, names in parts.items() if name not in small}, notes


def _part(run: Run, utterance: Mapping[str, Any], rule: SliceRule) -> str:
    """The name of an utterance's part, "" where it cannot be known."""
    if rule.by in ("speaker", "split"):
        value = str(utterance.get("speaker_id" if rule.by == "speaker" else "split") or "")
        return f"{rule.by} {value}" if value else ""
    if rule.by == "words":
        words = len(str(utterance.get("text") or "").split())
        return _band("words", words, rule.edges) if words else ""
    path = run.reference_path(str(utterance["utterance_id"]))
    return _band("duration_s", soundfile.info(path).duration, rule.edges) if path.is_file() else ""


def _band(by: str, value: float, edges: Sequence[float]) -> str:
    below = [edge for edge in edges if edge <= value]
    above = [edge for edge in edges if edge > value]
    if below and above:
        return f"{by} {below[-1]:g} to {above[0]:g}"
    return f"{by} below {above[0]:g}" if above else f"{by} from {below[-1]:g}" if below else f"{by} any"

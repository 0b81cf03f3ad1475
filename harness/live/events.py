"""What a live decode tells those who follow it: one JSON-able dict an event, in order, numbered from 0.

Every event has ``kind``, ``number`` (its place in the job, for following on after a refresh) and the fields of its kind;
``alive`` alone has no number and is not kept: it says, every few seconds, that the connection stands.

A job goes ``queued`` (again whenever its place changes), ``started``, ``prepared``, then for each system ``system``,
``chunk`` ..., and ``rendered`` or ``failed``; then ``scores``, one event a system; and one of ``finished``,
``cancelled`` and ``broken`` at the end. ``progress`` and ``beside`` come in between.
"""

from __future__ import annotations

from typing import Any

QUEUED, STARTED, PREPARED, SYSTEM, CHUNK = "queued", "started", "prepared", "system", "chunk"
RENDERED, FAILED, PROGRESS, SCORES = "rendered", "failed", "progress", "scores"
FINISHED, CANCELLED, BROKEN, ALIVE, BESIDE = "finished", "cancelled", "broken", "alive", "beside"
START = "start"  # the stage of progress in which the decoding process loads
ENDS = frozenset({FINISHED, CANCELLED, BROKEN})

FIELDS: dict[str, dict[str, str]] = {
    QUEUED: {"place": "jobs that go before it; 0 is next"},
    STARTED: {"systems": "names in the order in which they are decoded, controls last"},
    PREPARED: {
        "tokens": "how many",
        "seconds": "of the recording",
        "reference": "the recording as base64 int16 little-endian 16 kHz mono",
        "level_db": "its loudness, LUFS (ITU-R BS.1770-4)",
    },
    SYSTEM: {
        "system": "name",
        "strategy": "key of streamflow.strategies.STRATEGIES",
        "parameters": "all of them, as resolved",
        "description": "of describe_system",
        "control": "whether it is a ceiling, not a decoder",
    },
    CHUNK: {
        "system": "name",
        "index": "0, 1, ...",
        "start_sample": "where it begins",
        "seam_sample": "where the acoustic model's pieces meet; 0 for none",
        "samples": "how many",
        "tokens_in": "tokens pushed when it came",
        "arrived_s": "virtual clock: had tokens come at the rate of speech and nothing else taken time",
        "tokens_per_second": "the rate of speech",
        "wall_s": "seconds since this system's stream began, as they passed",
        "compute_s": "seconds of work since the chunk before",
        "dit_s": "of these, acoustic model",
        "vocoder_s": "of these, vocoder",
        "other_s": "of these, the rest",
        "pcm": "base64 int16 little-endian 16 kHz mono",
    },
    RENDERED: {
        "system": "name",
        "samples": "how many altogether",
        "first_packet_s": "from the arrival of the last token that the first packet needs, to its audio (virtual clock); "
        "null for a control, which is rendered in one piece",
        "first_packet_parts": "waited_s until that token; dit_s, vocoder_s, other_s from there on; null for a control",
        "algorithmic_latency_s": "audio that must have arrived first; null for the whole utterance",
        "pauseless_latency_s": "that a player waits to play without a pause, were no time spent on computing; null likewise",
        "rtf": "work over the duration of the speech",
        "chunk_p50_s": "median work of a chunk",
        "peak_memory_mb": "of the decoding process",
        "gain_db": "to play it as loud as the recording without clipping",
        "pcm": "what follows the pcm of the last chunk: the end of what was converted to 16 kHz, mostly empty",
        "gain_capped": "whether that leaves it quieter than the recording, as more would clip",
    },
    FAILED: {"system": "name", "error": "one line"},
    PROGRESS: {"stage": "start, prepare, decode or score", "done": "steps done", "total": "of so many"},
    BESIDE: {
        "jobs": "in the background of this machine, running",
        "decodes": "live decodes of others, running; told when either number changes",
    },
    SCORES: {"rows": "list of {system, metric, value or null, unit, direction, unscored_because}"},
    FINISHED: {},
    CANCELLED: {},
    BROKEN: {"error": "one line"},
    ALIVE: {},
}
"""The fields of every kind beside ``kind`` and ``number``, and what they mean."""


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event without its number.

    Raises:
        ValueError: fields other than those of its kind.
    """
    if set(fields) != set(FIELDS[kind]):
        raise ValueError(f"event {kind} has fields {sorted(fields)}; it must have {sorted(FIELDS[kind])}")
    return {"kind": kind, **fields}

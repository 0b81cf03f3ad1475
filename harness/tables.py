"""The tables of a run, put together from the records of its renderings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .corpus import Utterance
from .failures import Failure
from .run import RunFolder
from .scoring import seams_identity
from .storage import key_of, read_json, sha256_of_file


def score_key(folder: RunFolder, rendering: Mapping[str, Any], utterance: str) -> str:
    """What scores are true of: this audio against this reference, and these seams."""
    seams = [chunk["seam_sample"] for chunk in rendering["trace"]]
    return key_of([rendering["audio_sha256"], sha256_of_file(folder.reference(utterance)), seams])


def kept_scores(folder: RunFolder, system: str, utterance: str, key: str) -> dict[str, Any]:
    """The score record of a rendering, an empty one where it is missing or true of something else."""
    record = read_json(folder.score_record(system, utterance))
    if isinstance(record, dict) and record.get("key") == key:
        return record
    return {"key": key, "scores": {}, "seams_identity": "", "seams": []}


def tables(
    folder: RunFolder,
    systems: Sequence[str],
    utterances: Sequence[Utterance],
    renderings: Mapping[tuple[str, str], Mapping[str, Any]],
    metrics: Mapping[str, str],
    failures: Sequence[Failure],
) -> dict[str, list[dict[str, Any]]]:
    """Every table as rows, in the order of systems, utterances and metrics, whatever order they were made in.

    Args:
        folder: of the run.
        systems: names.
        utterances: of the corpus.
        renderings: record by system and utterance id; only those of this experiment.
        metrics: identity by metric name; scores of another identity stay on disk and out of the table.
        failures: of this start.
    """
    rows: dict[str, list[dict[str, Any]]] = {"traces": [], "scores": [], "seams": [], "latency": []}
    for system in systems:
        for utterance in utterances:
            name = utterance.utterance_id
            record = renderings.get((system, name))
            if record is None:
                continue
            who = {"system": system, "utterance": name}
            seed = {"seed": record["seed"]}
            rows["traces"] += [{**who, **seed, **chunk} for chunk in record["trace"]]
            rows["latency"].append({**who, **record["latency"]})
            kept = kept_scores(folder, system, name, score_key(folder, record, name))
            speaker = {"speaker": utterance.speaker_id}
            for identity in metrics.values():
                if identity in kept["scores"]:
                    rows["scores"].append({**who, **speaker, **seed, **kept["scores"][identity]})
            if metrics and kept["seams_identity"] == seams_identity():
                rows["seams"] += [{**who, **seam} for seam in kept["seams"]]
    order = {name: place for place, name in enumerate(systems)}
    lost = sorted(failures, key=lambda failure: order.get(failure.system, -1))
    failed = [{"system": f.system, "utterance": f.utterance, "stage": f.stage, "error": f.error} for f in lost]
    return {**rows, "failures": failed}

"""What two runs must have in common: recordings, seeds, and where their chunks meet."""

from __future__ import annotations

from typing import Any

import pandas

from harness.run import Run
from harness.storage import read_flac, sha256_of

from .gated_metrics import Sides
from .policy import Policy
from .refusal import few
from .system_pairs import SystemPair

CHUNKING = ("algorithmic_latency_s", "window", "pattern", "vocoder_future_frames")  # of a system's description
NOT_SETTINGS = frozenset(
    {"checkpoint", "source_sha256", "object", "folder", *CHUNKING}
)  # what a candidate is there to change


def corpus_differences(baseline: Run, candidate: Run) -> list[str]:
    """Why the two do not render the same recordings; the samples decide where a run keeps no hash of the file."""
    old = {str(u["utterance_id"]): u for u in baseline.utterances}
    new = {str(u["utterance_id"]): u for u in candidate.utterances}
    reasons = []
    if lacking := [name for name in old if name not in new]:
        reasons.append(f"corpus: the candidate lacks {len(lacking)} of {len(old)} utterances ({few(lacking)})")
    if added := [name for name in new if name not in old]:
        reasons.append(f"corpus: the candidate has {len(added)} utterances that the baseline lacks ({few(added)})")
    both = [name for name in old if name in new]
    alike = _reading(baseline) == _reading(candidate)  # otherwise the same file may have become other samples
    hashes = [(run.provenance.get("audio_sha256") or {}) if alike else {} for run in (baseline, candidate)]
    if other := [name for name in both if not _same_recording(baseline, candidate, hashes, name)]:
        reasons.append(f"corpus: {len(other)} recordings differ ({few(other)})")
    if people := [name for name in both if old[name].get("speaker_id") != new[name].get("speaker_id")]:
        reasons.append(f"corpus: {len(people)} utterances have another speaker ({few(people)})")
    return [f"{reason}; decode both runs from one manifest" for reason in reasons]


def _reading(run: Run) -> tuple[Any, ...]:
    """How files became samples: rendered files are read by a stated policy, decoded corpora by the decoder's loader."""
    rendered = run.experiment.get("rendered") or {}
    return tuple(rendered.get(key) for key in ("policy", "reading", "loudness"))


def _same_recording(baseline: Run, candidate: Run, hashes: list[dict[str, str]], name: str) -> bool:
    if name in hashes[0] and name in hashes[1]:
        return hashes[0][name] == hashes[1][name]
    contents = [_reference_hash(run, name) for run in (baseline, candidate)]
    return contents[0] == contents[1]


def _reference_hash(run: Run, name: str) -> str | None:
    path = run.reference_path(name)
    return sha256_of(read_flac(path)) if path.is_file() else None


def decoded_seeds(scores: pandas.DataFrame, system: str) -> list[int]:
    """The seeds of which a system has scores."""
    return sorted(int(seed) for seed in scores.loc[scores["system"] == system, "seed"].unique())


def seed_differences(sides: Sides, pair: SystemPair, policy: Policy, notes: list[str]) -> list[str]:
    old, new = decoded_seeds(sides.old, pair.baseline), decoded_seeds(sides.new, pair.candidate)
    if old == new:
        return []
    what = f"seeds of {pair.name}: {few(old)} in the baseline and {few(new)} in the candidate"
    if policy.seeds == "any":
        notes.append(f"{what}; the policy allows it")
        return []
    return [f'{what}; decode the candidate with the baseline\'s, or allow it with seeds = "any" in the policy']


def chunking_differences(
    baseline: Run, candidate: Run, pair: SystemPair, policy: Policy, notes: list[str]
) -> list[str]:
    """Why what the two systems emit is not cut in the same places, by what they say and by where their chunks met."""
    old, new = _description(baseline, pair.baseline), _description(candidate, pair.candidate)
    settings = [key for key in old.keys() | new.keys() if key not in NOT_SETTINGS and old.get(key) != new.get(key)]
    if settings and old and new:
        notes.append(f"{pair.name}: {', '.join(sorted(settings))} differ from the baseline's")
    reasons = [
        f"{key} is {old[key]} in the baseline and {new[key]} in the candidate"
        for key in CHUNKING
        if key in old and key in new and old[key] != new[key]
    ]
    grids = [_grid(baseline, pair.baseline), _grid(candidate, pair.candidate)]
    elsewhere = [name for name in grids[0].keys() & grids[1].keys() if grids[0][name] != grids[1][name]]
    if elsewhere:
        reasons.append(f"the chunks of {len(elsewhere)} utterances meet elsewhere ({few(sorted(elsewhere))})")
    texts = [f"chunking of {pair.name}: {_short(reason)}" for reason in reasons]
    if policy.chunking == "any":
        notes += [f"{text}; the policy allows it" for text in texts]
        return []
    return [f'{text}; decode both alike, or allow it with chunking = "any" in the policy' for text in texts]


def _short(text: str) -> str:
    return text if len(text) <= 240 else f"{text[:237]}..."


def _description(run: Run, system: str) -> dict[str, Any]:
    described = (run.provenance.get("systems") or {}).get(system) or {}
    flat = {**described, **(described.get("parameters") or {})}
    return {key: value for key, value in flat.items() if key != "parameters"}


def _grid(run: Run, system: str) -> dict[str, tuple[int, ...]]:
    """Where the chunks of each utterance meet, samples; from the seams where a run has no traces (rendered files)."""
    traces = run.traces()
    rows = traces[traces["system"] == system]
    if len(rows):
        rows = rows[rows["seed"] == rows["seed"].min()]
        return {
            str(name): tuple(sorted(int(sample) for sample in part["seam_sample"] if sample > 0))
            for name, part in rows.groupby("utterance")
        }
    seams = run.seams()
    rows = seams[(seams["system"] == system) & (seams["role"] == "seam")]
    return {str(name): tuple(sorted(set(map(int, part["sample"])))) for name, part in rows.groupby("utterance")}

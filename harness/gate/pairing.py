"""Put two runs side by side, or say why they cannot be: nothing is compared that was not measured alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas

from harness.run import Run
from harness.storage import read_flac, sha256_of
from streamflow.errors import StreamflowError

from .policy import MetricRule, Policy

CONTROLS = frozenset({"copy-synthesis", "tokenizer"})  # recordings and ceilings: no decoder to be gated
CHUNKING = ("algorithmic_latency_s", "window", "pattern", "vocoder_future_frames")  # of a system's description
NOT_SETTINGS = frozenset({"checkpoint", "source_sha256", "object", *CHUNKING})  # what a candidate is there to change
SHOWN = 3  # names in a message
EVERY_SYSTEM = "*"  # in failures: what kept every system from an utterance


class GateRefusedError(StreamflowError):
    """Two runs that cannot be compared, each reason one line."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True)
class SystemPair:
    """What a decoder is called in either run."""

    candidate: str
    baseline: str

    @property
    def name(self) -> str:
        """As tables show it."""
        return self.candidate if self.candidate == self.baseline else f"{self.candidate} ({self.baseline})"

    @classmethod
    def parse(cls, text: str) -> SystemPair:
        """``full``, or ``new=old``: the system ``new`` of the candidate against ``old`` of the baseline."""
        candidate, equals, baseline = (part.strip() for part in text.partition("="))
        return cls(candidate, baseline if equals else candidate)


@dataclass(frozen=True, slots=True)
class GatedMetric:
    """A metric that both runs have in one identity.

    Attributes:
        name, identity, unit: as in the scores.
        sign: +1 where higher is better, -1 where lower is; differences times it fall when the candidate is worse.
        rule: what the policy asks of it.
    """

    name: str
    identity: str
    unit: str
    sign: int
    rule: MetricRule


@dataclass(frozen=True)
class Pairing:
    """Two runs of one corpus, and what of them is compared.

    Attributes:
        baseline, candidate: the runs.
        utterances: of the corpus, as ``utterances.json`` has them.
        systems: each a pair of names.
        metrics: in the policy's order.
        scores: columns ``system`` (the pair's name), ``metric``, ``utterance``, ``speaker``, ``baseline``,
            ``candidate``, ``difference`` (times the sign: below 0 is worse); one row an utterance that the baseline has
            a value for; seeds are averaged within the utterance first. ``candidate`` is NaN where only it has none.
        lost: utterances that the baseline rendered and the candidate failed on, and why, by pair name.
        notes: what a reader should know.
    """

    baseline: Run
    candidate: Run
    utterances: list[dict[str, Any]]
    systems: tuple[SystemPair, ...]
    metrics: tuple[GatedMetric, ...]
    scores: pandas.DataFrame
    lost: dict[str, dict[str, str]]
    notes: list[str] = field(default_factory=list)

    def of(self, system: SystemPair, metric: GatedMetric) -> pandas.DataFrame:
        """The rows of one system and metric."""
        rows = self.scores
        return rows[(rows["system"] == system.name) & (rows["metric"] == metric.name)]


def pair_runs(
    baseline: Run, candidate: Run, policy: Policy, systems: Sequence[str] = (), utterances: bool = True
) -> Pairing:
    """Check that two runs can be compared, and pair their scores.

    Args:
        baseline: what holds now.
        candidate: what wants to replace it.
        policy: which metrics, and what may differ.
        systems: ``NAME`` or ``NEW=OLD``; () for the policy's, and where it names none for every system that both runs
            have, recordings and ceilings excepted.

    Raises:
        GateRefusedError: corpus, systems, metric identities, chunking or seeds differ, or too many scores are absent;
            with every reason, not the first alone.
        RunError: a run that cannot be read.
    """
    notes: list[str] = []
    pairs = _systems(baseline, candidate, [*systems] or [*policy.systems], notes)
    sides = _Sides(baseline, candidate, _scores(baseline), _scores(candidate))
    refusals = [*corpus_differences(baseline, candidate)]
    lost = {pair.name: _lost(baseline, candidate, pair) for pair in pairs}
    # of a system that renders nothing at all there is nothing to score: that is its fault, not the evaluation's
    rendering = [pair for pair in pairs if len(lost[pair.name]) < len(baseline.utterances)]
    metrics = _metrics(sides, policy, pairs, rendering, refusals, notes)
    for pair in rendering:
        refusals += _seed_differences(sides, pair, policy, notes)
        refusals += chunking_differences(baseline, candidate, pair, policy, notes)
    if refusals:
        raise GateRefusedError(refusals)
    parts = [_paired(sides, pair, metric, policy) for pair in pairs for metric in metrics]
    for pair, metric, part in ((p, m, part) for (p, m), part in zip(_product(pairs, metrics), parts, strict=True)):
        refusals += _absent(part, pair, metric, policy, lost[pair.name])
    if refusals:
        raise GateRefusedError(refusals)
    scores = pandas.concat([part[part["baseline"].notna()] for part in parts], ignore_index=True)
    return Pairing(baseline, candidate, list(baseline.utterances), pairs, metrics, scores, lost, notes)


@dataclass(frozen=True, slots=True)
class _Sides:
    baseline: Run
    candidate: Run
    old: pandas.DataFrame
    new: pandas.DataFrame


def _product(pairs: Sequence[SystemPair], metrics: Sequence[GatedMetric]) -> list[tuple[SystemPair, GatedMetric]]:
    return [(pair, metric) for pair in pairs for metric in metrics]


def _scores(run: Run) -> pandas.DataFrame:
    scores = run.scores()
    return scores.assign(value=pandas.to_numeric(scores["value"], errors="coerce"))


def few(names: Sequence[str]) -> str:
    """The first names of many, and how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


# systems


def _systems(baseline: Run, candidate: Run, wanted: Sequence[str], notes: list[str]) -> tuple[SystemPair, ...]:
    """The pairs to compare; a name that a run lacks is refused, never left out."""
    if wanted:
        pairs = tuple(SystemPair.parse(text) for text in wanted)
        wrong = [
            f"{run.path}: no system {name!r}; there are {', '.join(run.systems)}"
            for pair in pairs
            for run, name in ((candidate, pair.candidate), (baseline, pair.baseline))
            if name not in run.systems
        ]
        if wrong:
            raise GateRefusedError(wrong)
        return pairs
    old, new = decoders(baseline), decoders(candidate)
    both = [name for name in new if name in old]
    if both:
        notes += [f"{name}: in the baseline alone, not compared" for name in old if name not in new]
        notes += [f"{name}: in the candidate alone, not compared" for name in new if name not in old]
        return tuple(SystemPair(name, name) for name in both)
    if len(old) == len(new) == 1:
        notes.append(f"{new[0]} of the candidate is compared with {old[0]} of the baseline: the one system of each")
        return (SystemPair(new[0], old[0]),)
    raise GateRefusedError(
        [f"no system is in both runs (baseline: {few(old) or 'none'}; candidate: {few(new) or 'none'}); "
         "say which with --system NEW=OLD"]
    )  # fmt: skip


def decoders(run: Run) -> list[str]:
    """The systems of a run that are neither recordings nor ceilings."""
    specs = run.experiment["systems"]
    return [name for name in run.systems if _strategy(specs[name], name) not in CONTROLS]


def _strategy(spec: Any, name: str) -> str:
    return str(spec.get("strategy", name)) if isinstance(spec, Mapping) else name


# corpus


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
    hashes = [run.provenance.get("audio_sha256") or {} for run in (baseline, candidate)]
    if other := [name for name in both if not _same_recording(baseline, candidate, hashes, name)]:
        reasons.append(f"corpus: {len(other)} recordings differ ({few(other)})")
    if people := [name for name in both if old[name].get("speaker_id") != new[name].get("speaker_id")]:
        reasons.append(f"corpus: {len(people)} utterances have another speaker ({few(people)})")
    return [f"{reason}; decode both runs from one manifest" for reason in reasons]


def _same_recording(baseline: Run, candidate: Run, hashes: list[dict[str, str]], name: str) -> bool:
    if name in hashes[0] and name in hashes[1]:
        return hashes[0][name] == hashes[1][name]
    contents = [_reference_hash(run, name) for run in (baseline, candidate)]
    return contents[0] == contents[1]


def _reference_hash(run: Run, name: str) -> str | None:
    path = run.reference_path(name)
    return sha256_of(read_flac(path)) if path.is_file() else None


# metrics


def _metrics(
    sides: _Sides,
    policy: Policy,
    pairs: Sequence[SystemPair],
    rendering: Sequence[SystemPair],
    refusals: list[str],
    notes: list[str],
) -> tuple[GatedMetric, ...]:
    """The metrics to gate; ``rendering`` are the pairs of which the candidate rendered anything."""
    found = []
    for name, rule in policy.metrics.items():
        identities = [_identities(sides, "baseline", name, pairs)]
        identities.append(_identities(sides, "candidate", name, rendering) if rendering else identities[0])
        absent = [side for side, known in zip(("baseline", "candidate"), identities, strict=True) if not known]
        if absent:
            what = f"metric {name}: the {' and the '.join(absent)} has no value of it"
            if rule.required:
                refusals.append(f"{what}; score it there, or take it out with metrics.{name} = false in the policy")
            elif len(absent) == 1:
                notes.append(f"{what}, not gated")
            continue
        if identities[0] != identities[1] or len(identities[0]) > 1:
            texts = [" and ".join(sorted(known)) for known in identities]
            refusals.append(
                f"metric {name}: measured as {texts[0]} in the baseline and as {texts[1]} in the candidate; "
                "score both runs again with one installation and one choice of parameters"
            )
            continue
        ((identity, unit),) = identities[0].items()
        sign = _sign(name, rule)
        if sign == 0:
            refusals.append(f'metric {name}: neither direction is better; give metrics.{name}.direction = "higher"')
        else:
            found.append(GatedMetric(name, identity, unit, sign, rule))
    if not found and not refusals:
        refusals.append("no metric of the policy is in both runs; score them, or change the policy")
    return tuple(found)


def _identities(sides: _Sides, side: str, name: str, pairs: Sequence[SystemPair]) -> dict[str, str]:
    """Unit by identity, of the compared systems' scores that have a value."""
    rows = sides.old if side == "baseline" else sides.new
    systems = [getattr(pair, side) for pair in pairs]
    rows = rows[(rows["metric"] == name) & rows["system"].isin(systems) & rows["value"].notna()]
    return {str(row.identity): str(row.unit) for row in rows[["identity", "unit"]].drop_duplicates().itertuples()}


def _sign(name: str, rule: MetricRule) -> int:
    from harness.metrics import REGISTRY

    direction = rule.direction or getattr(REGISTRY.get(name), "direction", "")
    return {"higher": 1, "lower": -1}.get(direction, 0)


# seeds and chunking


def decoded_seeds(scores: pandas.DataFrame, system: str) -> list[int]:
    """The seeds of which a system has scores."""
    return sorted(int(seed) for seed in scores.loc[scores["system"] == system, "seed"].unique())


def _seed_differences(sides: _Sides, pair: SystemPair, policy: Policy, notes: list[str]) -> list[str]:
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


# values


def _paired(sides: _Sides, pair: SystemPair, metric: GatedMetric, policy: Policy) -> pandas.DataFrame:
    """The values of both sides by utterance of the corpus, seeds averaged first."""
    on = ["utterance"] if policy.seeds == "any" else ["utterance", "seed"]
    old = _values(sides.old, pair.baseline, metric.identity, on, "baseline")
    new = _values(sides.new, pair.candidate, metric.identity, on, "candidate")
    both = old.merge(new, on=on, how="outer")
    if policy.seeds != "any":  # a seed that one side lacks says nothing about the other
        complete = both.dropna(subset=["baseline", "candidate"])
        rest = both[~both["utterance"].isin(complete["utterance"])]
        both = pandas.concat([complete, rest]).groupby("utterance", sort=False)[["baseline", "candidate"]].mean()
        both = both.reset_index()
    people = {str(u["utterance_id"]): str(u.get("speaker_id", "")) for u in sides.baseline.utterances}
    frame = pandas.DataFrame({"utterance": list(people), "speaker": list(people.values())})
    frame = frame.merge(both[["utterance", "baseline", "candidate"]], on="utterance", how="left")
    frame.insert(0, "system", pair.name)
    frame.insert(1, "metric", metric.name)
    return frame.assign(difference=metric.sign * (frame["candidate"] - frame["baseline"]))


def _values(rows: pandas.DataFrame, system: str, identity: str, on: list[str], side: str) -> pandas.DataFrame:
    rows = rows[(rows["system"] == system) & (rows["identity"] == identity)]
    rows = rows[np.isfinite(rows["value"])]
    return rows.groupby(on, sort=False)["value"].mean().rename(side).reset_index().astype({"utterance": str})


def _lost(baseline: Run, candidate: Run, pair: SystemPair) -> dict[str, str]:
    """Utterances that only the candidate failed to render, with the reason; scoring failures are no fault of it."""
    old = _failed(baseline, pair.baseline)
    return {name: why for name, why in _failed(candidate, pair.candidate).items() if name not in old}


def _failed(run: Run, system: str) -> dict[str, str]:
    rows = run.failures()
    rows = rows[rows["system"].isin([system, EVERY_SYSTEM]) & (rows["stage"] != "score")]
    return {str(row.utterance): f"{row.stage}: {row.error}" for row in rows.itertuples()}


def _absent(
    part: pandas.DataFrame, pair: SystemPair, metric: GatedMetric, policy: Policy, lost: Mapping[str, str]
) -> list[str]:
    """Refuse where too many values are absent for a reason other than a rendering that failed."""
    missing = part[part["difference"].isna() & ~part["utterance"].isin(list(lost))]
    if len(missing) <= policy.missing * len(part):
        return []
    return [
        f"{metric.name} of {pair.name}: {len(missing)} of {len(part)} scores are absent "
        f"({few(list(missing['utterance']))}), and the policy allows {policy.missing:.0%}; "
        "failures.parquet and unscored_because in scores.parquet say why"
    ]

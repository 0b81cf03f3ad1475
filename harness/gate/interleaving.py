"""Get both sides' weights and a few utterances ready, so that latency can be measured in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.experiment import Experiment, load_experiment
from harness.failures import FailureLog
from harness.inputs import prepare
from harness.provenance import code_sha256
from harness.run import Run
from harness.systems import LoadedSystem, SystemSpec, load_system
from streamflow.errors import StreamflowError

from .checks import Check
from .latency_gate import measure, measured_checks, recorded_checks
from .pairing import Pairing
from .policy import LatencyRule, Policy
from .system_pairs import SystemPair

if TYPE_CHECKING:
    from streamflow.checkpoints import Bundle
    from streamflow.session import StreamRequest


class NotAtHandError(StreamflowError):
    """Weights or recordings that an interleaved measurement needs and this machine has not."""


def latency_checks(pairing: Pairing, policy: Policy, *, interleaved: bool) -> list[Check]:
    """Latency of every pair: measured now if ``interleaved`` and possible, otherwise as recorded.

    Why it was not possible goes to ``pairing.notes``.
    """
    if policy.latency is None:
        return []
    checks: list[Check] = []
    for system in pairing.systems:
        if interleaved:
            try:
                checks += _measured(pairing, system, policy.latency)
                continue
            except StreamflowError as error:
                pairing.notes.append(f"latency of {system.name} was not measured side by side: {error}")
        found = recorded_checks(pairing, system, policy.latency)
        if not found:
            pairing.notes.append(f"latency of {system.name}: a run holds no timings, nothing to compare")
        checks += found
    return checks


def _measured(pairing: Pairing, system: SystemPair, rule: LatencyRule) -> list[Check]:
    old, new = loaded(pairing.baseline, system.baseline), loaded(pairing.candidate, system.candidate)
    measured = measure(old, new, requests(pairing.candidate, rule.utterances), rule.repeats)
    return measured_checks(system, measured, rule)


def experiment_of(run: Run) -> Experiment:
    """What a run is the result of, to be decoded again.

    Raises:
        NotAtHandError: audio that was rendered elsewhere.
    """
    if "rendered" in run.experiment:
        raise NotAtHandError(f"{run.path}: made of rendered files; there is nothing to decode with")
    return load_experiment(run.path / "run.toml")


def loaded(run: Run, system: str) -> LoadedSystem:
    """A system as the run had it, with the same weights.

    Raises:
        NotAtHandError: no such weights here, or other ones of that name.
        StreamflowError: the system cannot be made.
    """
    experiment = experiment_of(run)
    spec: SystemSpec = next(spec for spec in experiment.systems if spec.name == system)
    if spec.object:
        return load_system(spec, None)
    return load_system(spec, _bundle(run, experiment))


def _bundle(run: Run, experiment: Experiment) -> Bundle:
    from streamflow.checkpoints import load_bundle

    bundle = load_bundle(experiment.checkpoint, device=experiment.device)
    recorded: Mapping[str, str] = (run.provenance.get("checkpoint") or {}).get("sha256") or {}
    changed = [name for name, digest in recorded.items() if bundle.hashes.get(name) != digest]
    if changed:
        raise NotAtHandError(f"{experiment.checkpoint}: {', '.join(changed)} changed since {run.path} was decoded")
    return bundle


def requests(run: Run, most: int) -> Sequence[StreamRequest]:
    """Requests for the run's utterances of medium length, in the first seed.

    Raises:
        NotAtHandError: none could be prepared.
    """
    from harness.corpus import load_corpus
    from streamflow.checkpoints import load_bundle

    experiment = experiment_of(run)
    corpus = load_corpus(experiment.corpus, split=experiment.split, limit=experiment.limit)
    here = [utterance for utterance in corpus.utterances if Path(utterance.path).is_file()]
    ranked = sorted(here, key=lambda utterance: Path(utterance.path).stat().st_size)
    start = max(0, (len(ranked) - most) // 2)
    front_end, failures, found = load_bundle(experiment.checkpoint), FailureLog(), []
    with TemporaryDirectory() as cache:  # not the run's own: a promoted run is not to be written into
        for utterance in ranked[start : start + most]:
            inputs = prepare(utterance, front_end, Path(cache) / "inputs.npz", [], failures, code_sha256())
            if inputs is not None:
                found.append(inputs.request(run.seeds[0]))
    if not found:
        raise NotAtHandError(f"{experiment.corpus}: no recording of the corpus is here")
    return found

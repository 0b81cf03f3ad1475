"""How long a comparison will take, from what runs and comparisons on this machine have measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas
import soundfile

from .corpus import load_corpus
from .experiment import Experiment
from .provenance import hardware
from .run_index import RunFacts
from .storage import stamp

MOST_FILES = 200  # of a corpus whose headers are read; the others count as long as these on average


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is to be expected.

    Attributes:
        utterances: of the corpus part.
        speech_s: seconds of speech in it.
        renderings: utterances x systems x seeds.
        decode_s: seconds of decoding of the systems whose real-time factor was measured.
        unknown: the systems of which no run here says how fast they are.
        score_s: seconds of scoring; None where no comparison here has measured that.
        elsewhere: whether a real-time factor was measured on other hardware only.
    """

    utterances: int
    speech_s: float
    renderings: int
    decode_s: float
    unknown: tuple[str, ...] = ()
    score_s: float | None = None
    elsewhere: bool = False


def forecast(experiment: Experiment, runs: Iterable[RunFacts], stages: Iterable[Mapping[str, Any]] = ()) -> Forecast:
    """How long an experiment will take.

    Args:
        experiment: what is to be done.
        runs: the newest first; a system is looked for with the same parameters and checkpoint.
        stages: of comparisons that ended (:attr:`harness.jobs.Job.stages`), the latest first: they tell how long the
            scores of a rendering take.

    Raises:
        CorpusError: the manifest cannot be used.
    """
    corpus = load_corpus(experiment.corpus, split=experiment.split, limit=experiment.limit)
    paths = tuple(str(utterance.path) for utterance in corpus.utterances)
    speech, seeds = speech_seconds(paths), len(experiment.seeds)
    measured = _real_time_factors(runs)
    wanted = {spec.name: _key(spec.name, spec.table(), experiment.checkpoint) for spec in experiment.systems}
    found = {name: measured[key] for name, key in wanted.items() if key in measured}
    renderings = len(paths) * len(wanted) * seeds
    each = _score_seconds(stages)
    return Forecast(
        utterances=len(paths),
        speech_s=speech,
        renderings=renderings,
        decode_s=sum(rtf for rtf, _ in found.values()) * speech * seeds,
        unknown=tuple(name for name in wanted if name not in found),
        score_s=0.0 if not experiment.metric_names else None if each is None else each * renderings,
        elsewhere=any(not here for _, here in found.values()),
    )


def speech_seconds(paths: tuple[str, ...]) -> float:
    """Seconds of speech in audio files, by their headers; of very many those at even distances stand for all."""
    step = max(1, len(paths) // MOST_FILES)
    lengths = [_seconds(path, json.dumps(stamp(Path(path)))) for path in paths[::step]]
    known = [length for length in lengths if length is not None]
    return sum(known) / len(known) * len(paths) if known else 0.0


@lru_cache(maxsize=10_000)
def _seconds(path: str, _stamp: str) -> float | None:
    try:
        return float(soundfile.info(path).duration)
    except (OSError, RuntimeError):  # not there, not audio: the run will have a line about it
        return None


def _key(name: str, table: Mapping[str, Any], checkpoint: str) -> str:
    """What makes two systems as fast as each other: their own parameters, and the weights."""
    what = {"strategy": name} | dict(table) if "object" not in table else dict(table)
    return json.dumps([what, checkpoint], sort_keys=True, default=str)


def _real_time_factors(runs: Iterable[RunFacts]) -> dict[str, tuple[float, bool]]:
    """Seconds of work for a second of speech by :func:`_key`, and whether that was on such a machine as this."""
    mine, found = hardware(), {}
    for run in runs:
        noted = run.provenance.get("hardware") or {}
        here = all(noted.get(key) == mine.get(key) for key in ("cpu", "cores", "accelerator"))
        table = run.path / "latency.parquet"
        for name, rtf in _mean_rtf(str(table), json.dumps(stamp(table))).items():
            spec = run.experiment.get("systems", {}).get(name)
            if not isinstance(spec, Mapping):
                continue
            key = _key(name, spec, run.checkpoint)
            if key not in found or (here and not found[key][1]):
                found[key] = (rtf, here)
    return found


@lru_cache(maxsize=500)
def _mean_rtf(path: str, _stamp: str) -> dict[str, float]:
    """By system, weighted with the length of the speech."""
    try:
        table = pandas.read_parquet(path, columns=["system", "duration_s", "rtf"]).dropna()
    except (OSError, ValueError, KeyError):
        return {}
    work = (table["rtf"] * table["duration_s"]).groupby(table["system"]).sum()
    speech = table.groupby("system")["duration_s"].sum()
    return {str(name): float(work[name] / speech[name]) for name in speech.index if speech[name] > 0}


def _score_seconds(stages: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds a rendering that the scores of the latest comparison took."""
    for one in stages:
        score = one.get("score") or {}
        made = score.get("done", 0) - score.get("first", 0)
        if made > 0:
            return float((score["at"] - score["since"]) / made)
    return None

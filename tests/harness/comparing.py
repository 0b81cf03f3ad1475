"""Comparisons of plug-in decoders with a front end that needs no weights, and when two runs are one."""

from __future__ import annotations

from pathlib import Path

import pandas
from front_end import MelQuantiser

from harness.compare import compare
from harness.experiment import Experiment, load_experiment
from harness.run import Run

TIMES = ["arrived_s", "compute_s", "dit_s", "vocoder_s", "other_s"]
TWO = "mine=chunked:Resynthesis,slow=chunked:Slow"


def experiment(corpus: Path, systems: str = TWO, metrics: tuple[str, ...] = (), **options) -> Experiment:
    return load_experiment(corpus=corpus, systems=systems, metrics=list(metrics), **options)


def go(wanted: Experiment, out: Path):
    return compare(wanted, out, front_end=MelQuantiser(), jobs=1)


def decodes(lines: list[str]) -> list[str]:
    """Log lines of recorded decodes."""
    return [line for line in lines if "warm-up" not in line and line != "tokenize"]


def assert_same(run: Run, other: Run) -> None:
    """Two runs are one but for measured times."""
    assert run.experiment == other.experiment
    assert run.utterances == other.utterances
    pandas.testing.assert_frame_equal(run.traces().drop(columns=TIMES), other.traces().drop(columns=TIMES))
    pandas.testing.assert_frame_equal(run.scores(), other.scores())
    pandas.testing.assert_frame_equal(run.seams(), other.seams())
    pandas.testing.assert_frame_equal(run.failures(), other.failures())
    names = ["system", "utterance", "tokens", "duration_s"]
    pandas.testing.assert_frame_equal(run.latency()[names], other.latency()[names])
    files = sorted(path.relative_to(other.path) for path in other.path.rglob("*.flac"))
    assert files == sorted(path.relative_to(run.path) for path in run.path.rglob("*.flac"))
    for file in files:
        assert (run.path / file).read_bytes() == (other.path / file).read_bytes()

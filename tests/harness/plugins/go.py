"""Carry out an experiment file in a process of its own: python go.py EXPERIMENT.toml RUN."""

from __future__ import annotations

import sys

from front_end import MelQuantiser

from harness.compare import compare
from harness.experiment import load_experiment
from streamflow.errors import StreamflowError


def go(experiment: str, out: str) -> int:
    """Print what was done, or the one line of an error; returns the exit code."""
    try:
        outcome = compare(load_experiment(experiment), out, front_end=MelQuantiser(), jobs=1)
    except StreamflowError as error:
        print(f"error: {error}", flush=True)
        return 2
    print(f"decoded {outcome.decoded} kept {outcome.kept} failed {len(outcome.failures)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(go(sys.argv[1], sys.argv[2]))

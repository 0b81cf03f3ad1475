"""Carry out an experiment file in a process of its own: python go.py EXPERIMENT.toml RUN."""

from __future__ import annotations

import sys

from front_end import MelQuantiser

from harness.compare import compare
from harness.experiment import load_experiment
from streamflow.errors import StreamflowError

if __name__ == "__main__":
    try:
        outcome = compare(load_experiment(sys.argv[1]), sys.argv[2], front_end=MelQuantiser(), jobs=1)
        print(f"decoded {outcome.decoded} kept {outcome.kept} failed {len(outcome.failures)}")
    except StreamflowError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None

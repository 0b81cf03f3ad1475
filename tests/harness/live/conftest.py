"""A checkpoint of random weights, and an engine that decodes with it in a real process beside the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.corpus import SHIPPED, load_corpus
from harness.live.engine import LiveEngine
from harness.live.limits import Limits
from streamflow.tiny import make_tiny_bundle


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint ``tiny``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    make_tiny_bundle(folder / "tiny")
    return folder


@pytest.fixture(scope="session")
def quick(checkpoints: Path) -> Iterator[LiveEngine]:
    """One that scores by what needs no model, for jobs whose scores are not looked at."""
    made = LiveEngine(load_corpus(SHIPPED), checkpoints, Limits(running=1, niceness=0), metrics=("duration_ratio",))
    yield made
    made.close()


@pytest.fixture(scope="session")
def engine(checkpoints: Path) -> Iterator[LiveEngine]:
    """One slot, so that what comes second waits."""
    made = LiveEngine(load_corpus(SHIPPED), checkpoints, Limits(running=1, niceness=0))
    yield made
    made.close()

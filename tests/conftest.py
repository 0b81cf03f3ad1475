"""What every test may use."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right. The same examples every time: a
# change is judged by what it changes, not by luck; `pytest --hypothesis-profile explore` draws others.
settings.register_profile("explore", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("same")

# Tests run tiny models, which more threads slow down, and results must not depend on the machine's number of cores.
torch.set_num_threads(1)


def _seed() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def same_draws_for_what_a_file_shares() -> None:
    """What a file's own fixtures draw does not depend on the files before it in this worker."""
    _seed()


@pytest.fixture(autouse=True)
def same_draws_for_every_test(same_draws_for_what_a_file_shares: None) -> None:
    """What a test draws without a seed of its own does not depend on the tests before it."""
    _seed()


@pytest.fixture(scope="session")
def shipped_corpus() -> Path:
    """The manifest of the corpus that the repository ships: real paths, real speech, 16 kHz."""
    return Path(__file__).resolve().parent.parent / "corpora" / "shipped" / "manifest.csv"

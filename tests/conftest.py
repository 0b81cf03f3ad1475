"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Tests run tiny models, which more threads slow down, and results must not depend on the machine's number of cores.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shipped_corpus() -> Path:
    """The manifest of the corpus that the repository ships: real paths, real speech, 16 kHz."""
    return Path(__file__).resolve().parent.parent / "corpora" / "shipped" / "manifest.csv"

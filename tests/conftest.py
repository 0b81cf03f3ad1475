"""What every test may use."""

from __future__ import annotations

from pathlib import Path

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


@pytest.fixture(scope="session")
def shipped_corpus() -> Path:
    """The manifest of the corpus that the repository ships: real paths, real speech, 16 kHz."""
    return Path(__file__).resolve().parent.parent / "corpora" / "shipped" / "manifest.csv"

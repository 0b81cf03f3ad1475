"""What the benchmark's tests share: random weights of a tiny size, and a clock that only counted work moves."""

from __future__ import annotations

import pytest

from streamflow.checkpoints import Bundle
from streamflow.tiny import make_tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny"))


class CountedClock:
    """Seconds that pass only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, amount: float) -> None:
        self.now += amount


@pytest.fixture
def clock() -> CountedClock:
    return CountedClock()

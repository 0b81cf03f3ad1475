"""Sets of stimuli and studies for the design's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for small_set, which the tests of protocols use too

import small_set


@pytest.fixture(scope="session")
def make_study():
    """A study without screening but what is asked for."""
    return small_set.make_study


@pytest.fixture(scope="session")
def make_set(tmp_path_factory):
    """Sets of stimuli, each made once."""
    made = {}

    def make(systems: tuple[str, ...], sentences: int, **more):
        key = (systems, sentences, tuple(sorted(more.items())))
        if key not in made:
            made[key] = small_set.make_set(tmp_path_factory.mktemp("study"), systems, sentences, **more)
        return made[key]

    return make

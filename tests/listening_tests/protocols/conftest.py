"""One small set of stimuli for all protocols."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "design"))  # for small_set

import small_set

from listening_tests.protocols import get_protocol

SYSTEMS = ("full", "naive", "streamflow-sr")


@pytest.fixture(scope="session")
def make_study():
    """A study of three systems without screening but what is asked for."""
    return lambda protocol, systems=SYSTEMS, **more: small_set.make_study(protocol, systems, **more)


@pytest.fixture(scope="session")
def stimuli(tmp_path_factory):
    """Four sentences of three systems, with sounds."""
    return small_set.make_set(tmp_path_factory.mktemp("study"), SYSTEMS, 4, training=2, traps=2, sounds=True)


@pytest.fixture(scope="session")
def arrange(make_study, stimuli):
    """One trial of a protocol."""

    def make(protocol, condition, variant=0, *, role="main", seed=0, sentence="utterance-1", **more):
        study = make_study(protocol, **more)
        rng = np.random.default_rng(seed)
        return get_protocol(protocol).arrange(study, stimuli, sentence, condition, variant, rng, role=role)

    return make

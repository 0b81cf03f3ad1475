"""Tiny random weights for every strategy."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamflow.checkpoints import Bundle
from streamflow.tiny import make_tiny_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Bundle:
    return make_tiny_bundle(Path(tmp_path_factory.mktemp("sweep")) / "tiny")

"""A small run of real speech that studies can be previewed from."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

MAKER = Path(__file__).parents[1] / "stimuli" / "conftest.py"


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = importlib.util.spec_from_file_location("stimuli_conftest", MAKER)
    maker = importlib.util.module_from_spec(found)
    found.loader.exec_module(maker)
    return maker.write_run(tmp_path_factory.mktemp("runs") / "small")

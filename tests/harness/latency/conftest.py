"""Runs to bench: real speech, decoders that are sessions of the protocol, and a tiny bundle of real networks."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_end import MelQuantiser

from harness.compare import compare
from harness.experiment import Experiment, load_experiment
from harness.latency.bench import bench
from harness.latency.plan import Settings
from streamflow.tiny import make_tiny_bundle

from ..conftest import SHIPPED

SYSTEMS = {
    "mine": {"object": "chunked:Resynthesis", "sleep_s": 0.01},  # a chunk: long enough to be interrupted
    "slow": {"object": "chunked:Slow"},
}
LITTLE = Settings(
    lengths_s=(1.0, 2.0), repeats=2, streams=(2,), stream_length_s=1.0, stream_repeats=1, interrupts=2,
    token_rates=(25.0, 100.0), buffers_ms=(0.0, 200.0), jitters_ms=(0.0, 50.0),
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _no_collection_of_the_test_runner() -> Iterator[None]:
    """Every session of a bench begins with a collection, which would walk all that pytest imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two plug-in decoders on shipped speech, without a bench; to be read only."""
    run = tmp_path_factory.mktemp("latency") / "run"
    table = {"corpus": str(SHIPPED), "limit": 2, "metrics": [], "systems": SYSTEMS}
    wanted = Experiment.from_table(table, source="here", folder=Path())
    compare(wanted, run, front_end=MelQuantiser(), jobs=1)
    return run


@pytest.fixture(scope="session")
def benched(compared: Path) -> Path:
    """The same with a little bench; to be read only."""
    run = shutil.copytree(compared, compared.with_name("benched"))
    bench(run, LITTLE, front_end=MelQuantiser())
    return run


@pytest.fixture
def run(compared: Path, tmp_path: Path) -> Path:
    """A run without a bench, of one's own."""
    return shutil.copytree(compared, tmp_path / "run")


@pytest.fixture
def run_with_bench(benched: Path, tmp_path: Path) -> Path:
    """A run with a little bench, of one's own."""
    return shutil.copytree(benched, tmp_path / "run-with-bench")


@pytest.fixture
def tiny_run(tmp_path: Path) -> Path:
    """A run of two strategies with random weights."""
    make_tiny_bundle(tmp_path / "tiny")
    checkpoint = str(tmp_path / "tiny")
    wanted = load_experiment(corpus=SHIPPED, limit=1, systems="full,streamflow-sr", checkpoint=checkpoint, metrics=[])
    compare(wanted, tmp_path / "tiny-run", jobs=1)
    return tmp_path / "tiny-run"

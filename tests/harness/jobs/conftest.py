"""Jobs in a folder of their own, all ended afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path / "jobs", grace_s=5.0)
    yield made
    for job in made.list():
        made.cancel(job.id)
    for job in made.list():
        made.wait(job.id, 600)

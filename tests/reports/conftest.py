"""A run with something to show, and its report, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for page_document, and make_run, which also makes runs by hand

from make_run import make_run
from page_document import Document

from harness.run import Run
from reports import write_report
from reports.comparison import Comparison


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "some run & <more>")


@pytest.fixture(scope="session")
def report(run_path: Path) -> Path:
    return write_report(run_path)


@pytest.fixture(scope="session")
def page(report: Path) -> str:
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def document(page: str) -> Document:
    return Document(page)


@pytest.fixture(scope="session")
def comparison(run_path: Path) -> Comparison:
    return Comparison(Run(run_path))

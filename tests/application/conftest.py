"""The application as it is served, over folders of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from application.compose import make_app
from application.site import Site
from listening_tests.service.auth import Administration
from listening_tests.workspace import Workspace

PASSWORD = "a long password"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Empty folders of runs and studies."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("runs", "studies", "baselines"):
        (folder / name).mkdir()
    workspace = Workspace(folder / "studies", runs=folder / "runs")
    return Site(workspace=workspace, address="http://testserver", baselines=folder / "baselines")


@pytest.fixture(scope="package")
def app(site: Site) -> FastAPI:
    return make_app(site, Administration(PASSWORD))


@pytest.fixture
def anybody(app: FastAPI) -> Iterator[TestClient]:
    """A browser that nobody logged in with."""
    app.state.rates._limiter.storage.reset()  # tests log in more often than people
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    yield client
    client.close()


@pytest.fixture
def administrator(anybody: TestClient) -> TestClient:
    """The same, logged in."""
    assert anybody.post("/login", data={"secret": PASSWORD}).status_code == 303
    return anybody


@pytest.fixture
def run_folder(site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A run with a report of three files."""
    folder = site.runs / tmp_path.name
    (folder / "report" / "audio").mkdir(parents=True)
    (folder / "report" / "index.html").write_text("<h1>A report</h1>")
    (folder / "report" / "audio" / "a b#1.flac").write_bytes(bytes(range(200)))
    (folder / "secret.txt").write_text("not of the report")
    (site.runs.parent / "secret.txt").write_text("outside of everything")
    return folder


@pytest.fixture
def report_folder(run_folder: Path) -> Path:
    return run_folder / "report"

"""One study that cannot be served, or a database that does not answer, must not take the others with it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio
import pytest
from starlette.testclient import TestClient

from application.pages import studies as studies_page
from application.pages.studies.page import overview_html, overview_table
from application.site import Site
from listening_tests.opening import open_study
from listening_tests.service import create_service
from listening_tests.store import Store, StoreUnavailable
from listening_tests.store import database as database_module
from listening_tests.workspace import Workspace


@pytest.fixture()
def studies(make_study: Callable[..., Any], tmp_path: Path) -> Path:
    """``a-broken`` comes before ``b-sound`` in every list; both were opened."""
    for name in ("a-broken", "b-sound"):
        _, folder = make_study(name)
        open_study(folder).store.close()
    return tmp_path


def served(studies: Path) -> tuple[TestClient, Workspace]:
    workspace = Workspace(studies, runs=studies / "runs")
    return TestClient(create_service(workspace, page=False), raise_server_exceptions=False), workspace


def begin(client: TestClient, token: str) -> dict[str, str]:
    session = client.post("/api/sessions", json={"study": token}).json()["session"]
    return {"Authorization": f"Bearer {session}"}


def test_a_database_that_does_not_answer_sends_nobody_away_for_good(studies: Path) -> None:
    client, workspace = served(studies)
    broken, sound = workspace.opened("a-broken"), workspace.opened("b-sound")
    of_broken, of_sound = begin(client, broken.token), begin(client, sound.token)
    broken.store.close()
    for path in (studies / "a-broken").glob("ratings.sqlite*"):
        path.rename(path.with_name(f"away-{path.name}"))
    (studies / "a-broken" / "ratings.sqlite").write_bytes(b"no database at all " * 100)
    client, _ = served(studies)  # the server starts again
    assert client.get("/api/step", headers=of_sound).status_code == 200
    assert client.get(f"/api/studies/{sound.token}").status_code == 200
    assert client.get("/api/step", headers=of_broken).status_code == 503  # the page tries again
    assert client.get(f"/api/studies/{broken.token}").status_code == 503


def test_a_changed_study_is_not_read_again_at_every_request(studies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, workspace = served(studies)
    token = workspace.opened("b-sound").token
    with (studies / "a-broken" / "study.toml").open("a") as file:
        file.write("\n[level]\npolicy = 'none'\n")
    client, workspace = served(studies)
    asked = []
    opened = workspace.opened
    monkeypatch.setattr(workspace, "opened", lambda name: asked.append(name) or opened(name))
    for _ in range(5):
        assert client.get(f"/api/studies/{token}").status_code == 200
    assert asked.count("a-broken") == 1


@pytest.mark.parametrize("damage", ["title = ", "title = 'another'\nprotocol = 'ab'\nsystems = ['alpha', 'beta']\n"])
def test_the_administration_comes_up_beside_a_broken_study(studies: Path, damage: str) -> None:
    (studies / "a-broken" / "study.toml").write_text(damage)
    workspace = Workspace(studies, runs=studies / "runs")
    with gradio.Blocks():
        studies_page.build(Site(workspace=workspace, address="http://127.0.0.1"))
    assert "study.toml" in overview_html(workspace)
    table = overview_table(workspace).set_index("study")
    assert "study.toml" in table.loc["a-broken", "state"]
    assert table.loc["b-sound", "state"] == "open"


def test_opening_again_and_again_keeps_one_store(studies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(studies)
    closed = []
    close = Store.close
    monkeypatch.setattr(Store, "close", lambda store: closed.append(store) or close(store))
    first = workspace.open("b-sound")
    for _ in range(3):
        workspace.close("b-sound")
        assert workspace.open("b-sound") is first
    assert len(set(map(id, closed))) == 6 and first.store not in closed
    assert first.state == "open"


def test_a_file_that_stays_locked_frees_every_thread_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 2.0)
    outcomes: list[Any] = []

    def write(store: Store) -> None:
        began = time.monotonic()
        try:
            store.audit("test", "wait")
        except StoreUnavailable:
            outcomes.append(time.monotonic() - began)

    with Store.open(tmp_path / "ratings.sqlite") as store:
        other = sqlite3.connect(tmp_path / "ratings.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=write, args=(store,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 6 and max(outcomes) < 30  # each on its own; one after another it would be 6 x 5 x 2 s
        other.execute("ROLLBACK")
        other.close()
        store.audit("test", "afterwards")
        assert [entry["action"] for entry in store.audit_log()] == ["afterwards"]

"""Who may reach the administration: an administrator's own page, on every route and with every method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from listening_tests.administration.page import mount_administration
from listening_tests.service import Settings, create_service
from listening_tests.service.auth import Administration, add_login
from listening_tests.workspace import Workspace

JOIN = "/administration/gradio_api/queue/join"
EVENT = {"data": [None], "fn_index": 0, "session_hash": "s"}


@pytest.fixture()
def client(tmp_path: Path) -> Iterator[TestClient]:
    workspace, door = Workspace(tmp_path / "studies", runs=tmp_path), Administration("a long password")
    app = create_service(workspace, page=False, settings=Settings(logins_per_minute=3))
    add_login(app, door)
    mount_administration(app, workspace, door, "http://testserver")
    with TestClient(app, follow_redirects=False) as client:
        yield client


def log_in(client: TestClient) -> None:
    client.cookies.set(
        "administrator", client.post("/login", data={"secret": "a long password"}).cookies["administrator"]
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "gradio_api/cancel"),
        ("POST", "gradio_api/reset"),
        ("POST", "gradio_api/upload"),
        ("POST", "gradio_api/queue/join"),
        ("GET", "gradio_api/heartbeat/s"),
        ("GET", "gradio_api/app_id"),
        ("GET", "gradio_api/stream/s/1/2/playlist.m3u8"),
        ("GET", "gradio_api/file=/etc/hostname"),
        ("GET", "config"),
        ("GET", "theme.css"),
        ("PUT", "anything"),
    ],
)
def test_nothing_behind_the_door_answers_without_a_cookie(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, f"/administration/{path}", json=EVENT if method == "POST" else None)
    assert (response.status_code, response.json()) == (401, {"error": "log in first"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://testserver:9999"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "http://evil.example"},
        {"Origin": "http://testserver:9999"},
        {"Origin": "null"},
    ],
)
def test_another_page_of_this_machine_cannot_use_an_administrators_cookie(
    client: TestClient, headers: dict[str, str]
) -> None:
    log_in(client)
    assert client.post(JOIN, json=EVENT, headers=headers).status_code == 403
    reading = {**headers, "Sec-Fetch-Mode": "cors"}
    assert client.get("/administration/config", headers=reading).status_code == 403


def test_an_administrators_own_page_is_let_through(client: TestClient) -> None:
    log_in(client)
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": "http://testserver"}
    assert client.post(JOIN, json=EVENT, headers=own).status_code == 200
    assert client.post(JOIN, json=EVENT, headers={"Origin": "http://testserver"}).status_code == 200
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/administration/", headers=followed).status_code == 200


def test_guesses_are_limited_however_many_addresses_they_claim(client: TestClient) -> None:
    statuses = []
    for guess in range(40):
        client._transport.client = (f"10.0.0.{guess}", 5000)  # as a proxy's header would set it
        statuses.append(client.post("/login", data={"secret": "wrong"}).status_code)
    assert statuses.count(403) == 30 and statuses[-1] == 429

"""Nothing is reached by anybody that was not meant to be: every route, also those that somebody adds tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from application.fence import is_crooked
from application.pages import PAGES
from listening_tests.service.auth import Administration, safe_target

from . import raw

# All that anybody may ask for; a route that is missing here is the administrator's.
OPEN = {
    "/a/{token}", "/api/answers", "/api/sessions", "/api/step", "/api/studies/{token}", "/api/withdraw", "/assets",
    "/assets/texts.json", "/assets/visual.css", "/files/{capability}/{path:path}", "/listen", "/login", "/logout", "/s/{token}",
}  # fmt: skip
JOIN = "/app/gradio_api/queue/join"
EVENT = {"data": [None], "fn_index": 0, "session_hash": "s"}


def routes(app: FastAPI, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path template of every route, those of mounted applications and included routers too."""
    for route in app.routes:
        path = prefix + getattr(route, "path", "")
        if isinstance(route, Mount):
            yield "GET", path or "/"
            if path not in OPEN and hasattr(route.app, "routes"):
                yield from routes(route.app, path)
        elif hasattr(route, "original_router"):  # as newer FastAPIs keep them
            yield from routes(route.original_router, prefix)
        else:
            yield from ((method, path) for method in getattr(route, "methods", None) or ["GET"])


def test_no_route_answers_somebody_who_is_not_logged_in(app: FastAPI, anybody: TestClient) -> None:
    found = set(routes(app))
    assert len(found) > 100 and ("POST", "/app/gradio_api/upload") in found  # Gradio's own are among them
    assert {path for _, path in found if path in OPEN} == OPEN
    for method, template in sorted(found):
        if template in OPEN:
            continue
        path = re.sub(r"\{[^}]*\}", "x", template)
        answer = anybody.request(method, path, headers={"Accept": "text/html"})
        told = (answer.status_code, answer.headers.get("location", "").split("?")[0])
        assert told in ((401, ""), (303, "/login")), f"{method} {path}: {told}"
        assert anybody.request(method, path).status_code == 401


def test_the_listeners_mount_gives_its_page_and_nothing_else_of_gradio(app: FastAPI, anybody: TestClient) -> None:
    mount = next(route for route in app.routes if getattr(route, "path", "") == "/listen")
    given = set()
    for method, template in routes(mount.app):
        path = "/listen" + re.sub(r"\{[^}]*\}", "x", template)
        if "heartbeat" not in path and anybody.request(method, path).status_code != 404:
            given.add(template.strip("/"))
    assert given <= {"", "config", "theme.css", "robots.txt", "favicon.ico", "manifest.json",
                     "gradio_api/info", "gradio_api/app_id", "gradio_api/startup-events"}  # fmt: skip


CLOSED = [
    ("POST", "gradio_api/upload"), ("GET", "gradio_api/upload_progress?upload_id=a"), ("GET", "gradio_api/file=/etc/passwd"),
    ("GET", "gradio_api/file=C:/boot.ini"), ("GET", "gradio_api/file/etc/passwd"), ("GET", "gradio_api/file=app.py"),
    ("GET", "gradio_api/proxy=http://127.0.0.1:1/x"), ("GET", "gradio_api/file=http://127.0.0.1:1/x"),
    ("POST", "gradio_api/run/0"), ("POST", "gradio_api/api/0"), ("POST", "gradio_api/call/x"), ("GET", "gradio_api/call/x/y"),
    ("POST", "gradio_api/component_server"), ("GET", "gradio_api/stream/a/b/c/playlist.m3u8"), ("GET", "gradio_api/token"),
    ("GET", "gradio_api/run-history/buckets"), ("POST", "login"), ("GET", "logout"), ("GET", "monitoring"), ("GET", "pwa_icon"),
    ("GET", "gradio_api/dev/reload"), ("GET", "gradio_api/openapi.json"), ("GET", "gradio_api/deep_link"), ("PUT", "config"),
    ("GET", "gradio_api/custom_component/x/client/component/x.js"), ("DELETE", ""), ("GET", "anything"), ("POST", ""),
    ("GET", "gradio_api/queue/join"), ("POST", "gradio_api/queue/data"), ("GET", "compare/config"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=lambda one: one)
def test_gradios_other_routes_are_closed_to_administrators_too(
    administrator: TestClient, method: str, path: str
) -> None:
    answer = administrator.request(method, f"/app/{path}", json=EVENT if method == "POST" else None)
    assert answer.status_code == 404 and "root:" not in answer.text


def test_an_administrators_pages_are_there(administrator: TestClient) -> None:
    for page in PAGES:
        assert administrator.get(f"/app/{page.path}").status_code == 200
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": "http://testserver"}
    for path in ("config", "gradio_api/startup-events", "gradio_api/app_id", "theme.css"):
        assert administrator.get(f"/app/{path}", headers=own).status_code == 200, path


@pytest.mark.parametrize(
    "path",
    ["/app/../app/config", "/login/../app/config", "/assets/..%2f..%2fapp.py", "/app/..%5cx", "/files/..%2f..", "/app/%00",
     "/login/%2e%2e/app/config", "/listen/..%2fapp/config", "/a/..\\..\\x", "/s/%0d%0aX: y"],
)  # fmt: skip
def test_crooked_paths_are_not_looked_at(app: FastAPI, administrator: TestClient, path: str) -> None:
    cookie = f"administrator={administrator.cookies['administrator']}"
    answer = raw.get(app, path, {"Cookie": cookie, "Accept": "text/html"})
    assert answer.status == 404 and "set-cookie" not in answer.headers


def test_a_plain_path_is_not_crooked() -> None:
    assert not any(map(is_crooked, ("/", "/app/", "/files/a.b.c/x..y/...z", "/s/é")))
    assert all(map(is_crooked, ("/..", "/a/../b", "/a\\b", "/a\0", "/a\nb")))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://testserver:9999"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": "null"},
        {"Origin": "http://testserver:9999"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_page_cannot_use_an_administrators_cookie(administrator: TestClient, headers: dict[str, str]) -> None:
    for path in (JOIN, "/live/jobs", "/live/uploads", "/jobs/x/cancel"):
        assert administrator.post(path, json=EVENT, headers=headers).status_code == 403, path
    reading = {**headers, "Sec-Fetch-Mode": "cors"}
    assert administrator.get("/app/config", headers=reading).status_code == 403
    preflight = {**headers, "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in administrator.options(JOIN, headers=preflight).headers


def test_websockets_are_closed(administrator: TestClient) -> None:
    for path in ("/app/gradio_api/queue/join", "/app/", "/listen/", "/files/x/y", "/api/step"):
        with pytest.raises(WebSocketDisconnect) as caught, administrator.websocket_connect(path):
            pass
        assert caught.value.code == 1008


def test_cookies_that_were_made_elsewhere_open_nothing(anybody: TestClient) -> None:
    strange = Administration("a long password").enter("a long password")
    for value in (strange, "administrator", "", "a" * 4000, strange[:-1], '"administrator"', "administrator.x.y"):
        assert anybody.get("/app/config", headers={"Cookie": f"administrator={value}"}).status_code == 401


def test_a_cookie_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.requests import Request

    door = Administration("a long password", valid_s=-1)
    cookie = door.enter("a long password")
    request = Request({"type": "http", "headers": [(b"cookie", f"administrator={cookie}".encode())]})
    assert door.require_administrator(request) is None


def test_the_cookie_is_for_this_site_alone(app: FastAPI, anybody: TestClient) -> None:
    given = anybody.post("/login", data={"secret": "a long password"}).headers["set-cookie"].lower()
    assert "httponly" in given and "samesite=strict" in given and "secure" not in given
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as private:
        given = private.post("/login", data={"secret": "a long password"}).headers["set-cookie"].lower()
    assert "secure" in given


def test_after_the_door_the_page_that_was_asked_for(anybody: TestClient) -> None:
    told = anybody.get("/app/compare?utterance=flite_awb_1&system=full", headers={"Accept": "text/html"})
    assert told.headers["location"] == "/login?next=/app/compare%3Futterance%3Dflite_awb_1%26system%3Dfull"
    form = anybody.get(told.headers["location"]).text
    wanted = re.search(r'name="next" value="([^"]*)"', form)[1].replace("&amp;", "&")
    entered = anybody.post("/login", data={"secret": "a long password", "next": wanted})
    assert entered.headers["location"] == "/app/compare?utterance=flite_awb_1&system=full"


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/app/..//evil.example", "/app//evil.example", "javascript:1",
     "/app/\r\nX: y", "/app/%2f%2fevil", "/logout", "/apple", "", "/app/../logout", "\t//evil.example", "/app/é", "/app/ x"],
)  # fmt: skip
def test_the_door_leads_nowhere_else(anybody: TestClient, wanted: str) -> None:
    assert safe_target(wanted, "/app/") == "/app/"
    entered = anybody.post("/login", data={"secret": "a long password", "next": wanted})
    assert (entered.status_code, entered.headers["location"]) == (303, "/app/")


def test_the_form_repeats_nothing_as_html(anybody: TestClient) -> None:
    attack = '"><script>alert(1)</script>'
    for query in ({"token": attack}, {"next": f"/app/?{attack}"}):
        assert "<script>alert" not in anybody.get("/login", params=query).text


def test_a_link_of_another_site_is_opened_with_the_cookie_that_it_came_without(anybody: TestClient) -> None:
    followed = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    first = anybody.get("/app/compare?seed=3", headers=followed)
    assert first.status_code == 200 and 'http-equiv="refresh" content="0"' in first.text
    again = anybody.get("/app/compare?seed=3", headers={**followed, "Sec-Fetch-Site": "same-origin"})
    assert again.status_code == 303 and again.headers["location"].startswith("/login?next=/app/compare")


def test_guesses_are_limited_however_many_addresses_they_claim(anybody: TestClient) -> None:
    statuses = []
    for guess in range(1000):  # at most a hundred a minute, however slow this machine is
        if 429 in statuses:
            break
        anybody._transport.client = (f"10.0.0.{guess}", 5000)  # as a proxy's header would set it
        statuses.append(anybody.post("/login", data={"secret": "wrong"}).status_code)
    assert statuses[-1] == 429 and statuses.count(403) >= 100


def test_what_gradio_tells_of_itself_holds_nothing_of_the_machine(
    administrator: TestClient, site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for path in ("/app/config", "/listen/config", "/app/", "/listen/", "/app/gradio_api/info"):
        text = administrator.get(path).text
        for secret in (
            str(site.runs.parent),
            "a long password",
            site.secret.hex(),
            str(tmp_path_factory.getbasetemp()),
        ):
            assert secret not in text, path
    assert administrator.get("/app/config").json()["analytics_enabled"] is False

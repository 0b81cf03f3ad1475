"""Who gets in, how much they may send, and what they cannot reach."""

from __future__ import annotations

import json
import re

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from listening_tests.errors import StudyError
from listening_tests.service import Settings, create_service
from listening_tests.service.auth import Administration, add_login, check_bind
from listening_tests.service.guards import is_open


def request_with(cookie: str | None) -> Request:
    headers = [] if cookie is None else [(b"cookie", f"administrator={cookie}".encode())]
    return Request({"type": "http", "headers": headers})


@pytest.fixture()
def door(clock):
    """(client, its administration) with a one-time token."""
    app = create_service([], clock=clock, page=False)
    administration = Administration()
    add_login(app, administration)
    return TestClient(app, follow_redirects=False), administration


def test_the_token_opens_once_and_opening_the_link_does_not_use_it_up(door):
    client, administration = door
    token = administration.token
    assert token in client.get(f"/login?token={token}").text
    assert client.post("/login", data={"secret": "wrong"}).status_code == 403
    entered = client.post("/login", data={"secret": token})
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert administration.require_administrator(request_with(client.cookies["administrator"])) == "administrator"
    assert client.post("/login", data={"secret": token}).status_code == 403


def test_a_made_up_old_or_foreign_cookie_does_not_open(door):
    foreign = Administration("correct horse battery")
    value = foreign.enter("correct horse battery")
    assert foreign.require_administrator(request_with(value)) == "administrator"
    _, administration = door
    for cookie in (None, "", "administrator", value, value[:-1], "administrator.x.y"):
        assert administration.require_administrator(request_with(cookie)) is None
    expired = Administration("correct horse battery", valid_s=-1)
    assert expired.require_administrator(request_with(expired.enter("correct horse battery"))) is None


def test_a_password_opens_as_often_as_it_is_given():
    administration = Administration("correct horse battery")
    assert administration.token is None
    assert administration.enter("correct horse battery") and administration.enter("correct horse battery")
    assert administration.enter("") is None
    assert administration.enter("correct horse batterx") is None


def test_guessing_is_slowed_down(door):
    client, _ = door
    statuses = [client.post("/login", data={"secret": str(guess)}).status_code for guess in range(12)]
    assert statuses[0] == 403
    assert statuses[-1] == 429


def test_the_login_page_shows_what_it_was_given_as_text(door):
    client, _ = door
    page = client.get("/login", params={"token": '"><script>x</script>'}).text
    assert "<script>" not in page


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_this_machine_alone_needs_no_password(host):
    check_bind(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_other_addresses_need_a_password_that_is_not_short(host):
    with pytest.raises(StudyError, match="password"):
        check_bind(host, None)
    with pytest.raises(StudyError, match="12"):
        check_bind(host, "short")
    check_bind(host, "long enough for others")


@pytest.mark.parametrize(
    "path",
    ["/a/../../study.toml", "/a/%2e%2e%2fstudy.toml", "/assets/../texts.py", "/assets/%2e%2e/shell.py",
     "/assets/..%2f..%2fstudy.py", "/assets//etc/passwd", "/s/../../etc/passwd", "/api/studies/..%2f..",
     "/assets/texts.json?lang=../../study", "/study.toml", "/stimuli.json", "/docs", "/openapi.json"],
)  # fmt: skip
def test_no_path_leads_out(visit, path):
    listener = visit()
    listener.start()
    response = listener.request("GET", path)
    assert response.status_code in (401, 404)
    assert b"import" not in response.content and b"root:" not in response.content


@pytest.mark.parametrize("token", ["", "x", "a b", "\x00", "é" * 10, "x" * 10_000, "' OR 1=1 --"])
def test_no_step_without_a_token_of_ours(visit, token):
    listener = visit()
    headers = {b"authorization": b"Bearer " + token.encode()}
    for method, path in (("GET", "/api/step"), ("GET", "/a/x")):
        assert listener.client.request(method, path, headers=headers).status_code == 401
    for path in ("/api/answers", "/api/withdraw"):
        assert listener.client.post(path, json={}, headers=headers).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"a": NaN}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_refused_politely(visit, body):
    listener = visit()
    listener.start()
    response = listener.request("POST", "/api/answers", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize("token", [None, 5, [], {"a": 1}, "x", "\x00", "\ud800"])
def test_a_study_that_is_not_there_is_not_found_whatever_is_asked_for(visit, token):
    listener = visit()
    reply = listener.request("POST", "/api/sessions", content=json.dumps({"study": token}).encode())
    assert reply.status_code == 404


def test_answers_with_strange_ids_are_refused_not_failed_on(visit):
    listener = visit()
    listener.start()
    step = listener.step()
    for strange in ("\x00", "\ud800", 5, None, ["x"], "x" * 1000):
        assert listener.send(listener.body(step, client_id=strange)).status_code == 422
        assert listener.send(listener.body(step, step=strange)).status_code in (409, 422)


def test_a_large_body_is_refused_whether_or_not_it_says_how_large_it_is(visit):
    listener = visit()
    listener.start()
    large = b'{"x": "' + b"y" * 300_000 + b'"}'
    assert listener.request("POST", "/api/answers", content=large).status_code == 413
    chunks = (large[start : start + 10_000] for start in range(0, len(large), 10_000))
    assert listener.request("POST", "/api/answers", content=chunks).status_code == 413
    step = listener.step()
    events = [{"type": "seek", "at": float(n), "label": "A"} for n in range(4000)]
    assert listener.answer(step, events=events).status_code == 200


def test_too_many_answers_of_one_session_wait_and_others_do_not(visit, another):
    listener = visit(settings=Settings(answers_per_minute=3), design={"listeners": 2})
    listener.start()
    other = another(listener, 1)
    other.start()
    statuses = [listener.send({}).status_code for _ in range(5)]
    assert statuses == [422, 422, 422, 429, 429]
    assert int(listener.send({}).headers["retry-after"]) >= 1
    assert other.answer(other.step()).status_code == 200


def test_starting_again_and_again_from_one_address_is_slowed_down(visit):
    listener = visit(settings=Settings(starts_per_minute=2), design={"listeners": 9})
    assert [listener.start().status_code for _ in range(3)] == [200, 200, 429]


def test_every_response_has_the_headers_that_browsers_obey(visit):
    listener = visit()
    listener.start()
    step = listener.go_to("trial")
    paths = [
        "/api/step",
        "/" + step["stimuli"][0]["url"],
        "/assets/listener.js",
        "/nowhere",
        "/assets/texts.json?lang=de",
    ]
    for path in paths:
        headers = listener.request("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"] or path == "/nowhere"
        assert "server" not in headers
    assert listener.request("GET", "/api/step").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "open_"),
    [("", True), ("/", True), ("/config", True), ("/assets/index.js", True), ("/theme.css", True),
     ("/gradio_api/heartbeat/x", True), ("/gradio_api/upload", False), ("/gradio_api/file=/etc/passwd", False),
     ("/gradio_api/file/x", False), ("/gradio_api/queue/join", False), ("/gradio_api/run/predict", False),
     ("/gradio_api/call/x", False), ("/upload", False), ("/file=x", False), ("/proxy=http://x", False),
     ("/assets/../../x", False), ("/monitoring", False), ("/login", False), ("/gradio_api", False)],
)  # fmt: skip
def test_the_fence_around_gradio(path, open_):
    assert is_open(path) is open_


def test_the_real_page_starts_behind_the_fence_and_asks_nobody_else(visit):
    listener = visit(page=True)
    page = listener.client.get("/listen/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:", policy)
    assert listener.client.get("/listen/config").status_code == 200
    for path in ("/listen/gradio_api/upload", "/listen/gradio_api/queue/join", "/listen/gradio_api/run/predict"):
        assert listener.client.post(path).status_code == 404
    assert listener.client.get("/listen/gradio_api/file=/etc/passwd").status_code == 404
    assert listener.client.get("/listen/%67radio_api/file=/etc/passwd").status_code == 404

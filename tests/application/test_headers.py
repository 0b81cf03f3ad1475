"""Every answer has the headers, whoever gives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from application.headers import ApplicationHeaders
from application.pages import PAGES
from application.routes.files import files_link
from application.site import Site

ALWAYS = (
    "content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options", "permissions-policy",
    "cross-origin-opener-policy", "cross-origin-resource-policy", "cache-control",
)  # fmt: skip
PATHS = [
    "/", "/app", "/app/", "/app/none", "/app/config", "/app/theme.css", "/app/gradio_api/file=/etc/passwd", "/listen/",
    "/listen/config", "/api/step", "/a/x", "/s/x", "/assets/listener.js", "/assets/none", "/login", "/logout", "/none",
    "/files/x/y", "/live/jobs", "/favicon.ico", "/app/..%2f", *(f"/app/{page.path}" for page in PAGES),
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_them(administrator: TestClient, app: FastAPI, path: str) -> None:
    stranger = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    for client in (administrator, stranger):
        for method in ("GET", "POST", "OPTIONS"):
            answer = client.request(method, path, headers={"Origin": "http://testserver", "Accept": "text/html"})
            assert not [name for name in ALWAYS if name not in answer.headers], method
            assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(answer.headers)
            assert "object-src 'none'" in (policy := answer.headers["content-security-policy"]) or "'none'" in policy
            assert "http:" not in policy and "https:" not in policy and "*" not in policy  # nothing from elsewhere


def test_the_microphone_is_for_the_page_that_records(administrator: TestClient) -> None:
    allowed = [
        page.path
        for page in PAGES
        if "microphone=(self)" in administrator.get(f"/app/{page.path}").headers["permissions-policy"]
    ]
    assert allowed == ["compare"]
    assert "microphone=()" in administrator.get("/listen/").headers["permissions-policy"]


def test_pages_are_framed_by_nobody_and_reports_by_us(
    administrator: TestClient, site: Site, report_folder: Path
) -> None:
    assert "frame-ancestors 'none'" in administrator.get("/app/").headers["content-security-policy"]
    assert (
        "frame-ancestors 'self'"
        in administrator.get(files_link(site, report_folder)).headers["content-security-policy"]
    )


def test_an_error_nobody_foresaw_has_them_too() -> None:
    app = FastAPI()

    @app.get("/app/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the machine")

    app.add_middleware(ApplicationHeaders)
    answer = TestClient(app, raise_server_exceptions=False).get("/app/broken")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert not [name for name in ALWAYS if name not in answer.headers]
    with pytest.raises(RuntimeError):  # and the server's log gets it
        TestClient(app).get("/app/broken")


def test_a_private_connection_stays_one(app: FastAPI) -> None:
    private = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert private.get("/login").headers["strict-transport-security"].startswith("max-age=")
    assert "strict-transport-security" not in TestClient(app).get("/login").headers

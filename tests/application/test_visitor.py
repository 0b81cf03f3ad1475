"""The cookie that tells browsers apart."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from application.visitor import COOKIE, Visitors, visitor_of


def serve() -> FastAPI:
    app = FastAPI()

    @app.get("/live/who")
    def who(request: Request) -> str:
        return visitor_of(request)

    @app.get("/live/missing")
    def missing(request: Request) -> None:
        from fastapi import HTTPException

        raise HTTPException(404)

    @app.get("/listen")
    def listen() -> str:
        return "listener"

    app.add_middleware(Visitors)
    return app


def test_a_browser_is_known_again_and_another_is_another():
    app = serve()
    first, second = TestClient(app), TestClient(app)
    mine = first.get("/live/who").json()
    assert first.get("/live/who").json() == mine
    assert second.get("/live/who").json() != mine


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites():
    reply = TestClient(serve(), base_url="https://lab.example").get("/live/who")
    said = reply.headers["set-cookie"].lower()
    assert all(word in said for word in ("httponly", "samesite=strict", "secure", "path=/"))
    assert "secure" not in TestClient(serve()).get("/live/who").headers["set-cookie"].lower()


def test_a_cookie_of_another_form_is_replaced():
    reply = TestClient(serve()).get("/live/who", headers={"Cookie": f"{COOKIE}=administrator"})
    assert len(reply.json()) == 32
    assert reply.json() in reply.headers["set-cookie"]


def test_listeners_and_refusals_get_no_cookie():
    client = TestClient(serve())
    assert "set-cookie" not in client.get("/listen").headers
    assert "set-cookie" not in client.get("/live/missing").headers
